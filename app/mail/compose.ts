/**
 * A message as it goes out: words of messages.ts, in the reader's language, with what ops.post was given. A template of
 * 0096_outbox.sql has its line in `templates`; a test holds the two lists together.
 */
import { z } from 'zod';
import { inLang, type Lang } from '../i18n.ts';
import { readDevice } from '../sessions/user-agent.ts';
import { placeName } from '../sign-ins/place.ts';
import { clockOf, dayOf, formatDay } from '../ui/dates.ts';
import { mail } from './messages.ts';

/** What `vars` of ops.post may hold; what a template needs and doesn't find is an error. */
const Vars = z.object({
  /** Where the link leads, below the installation's origin: `/invitations/…`. */
  path: z.string().startsWith('/').optional(),
  code: z.string().optional(),
  /** How many hours the link works, where it isn't the usual time. */
  hours: z.coerce.number().optional(),
  /** The name of a practice that isn't the reader's own. */
  practice: z.string().max(200).optional(),
  /** A method of iam.sessions. */
  factor: z.string().optional(),
  /** What was done to an account: suspended, restored, role, ended or name by an administrator, own_name. */
  change: z.string().optional(),
  /** Recovery codes that are left. */
  left: z.coerce.number().optional(),
  /** Signals of an unusual sign-in, and where it came from: the browser's User-Agent, and `country/city/coordinates`. */
  reasons: z.array(z.string()).optional(),
  user_agent: z.string().nullish(),
  place: z.string().nullish(),
  /** What "that wasn't me" ended: words of iam.sign_ins.undone. */
  undone: z.array(z.string()).optional(),
  /** When a recovery can be completed, or until when a change can be taken back: ISO 8601. */
  ready_at: z.coerce.date().optional(),
});

/** What ops.take_messages gave, and where links lead. */
export type Letter = {
  template: string;
  lang: Lang;
  vars: unknown;
  organisation: string | null;
  writtenAt: Date;
  /** `https://dossier.exemple.fr`: PUBLIC_ORIGIN. */
  origin: string;
};
/** An SMS has no subject. */
export type Composed = { subject: string | null; text: string };

type Words = ReturnType<typeof inLang<(typeof mail)['fr']>>;
type Parts = {
  t: Words;
  vars: z.infer<typeof Vars>;
  organisation: string;
  when: string;
  /** The page that the message leads to, of its own or a known one. */
  link(known?: string): string;
  moment(at: Date): string;
  need(name: 'code' | 'ready_at'): string;
};

/** The text of a message. @throws Error that names the template, never a value */
export function compose({ template, lang, vars: given, organisation, writtenAt, origin }: Letter): Composed {
  const known = Object.hasOwn(templates, template) ? templates[template as Template] : undefined;
  const vars = Vars.safeParse(given).data;
  if (!known || !vars) throw new Error(`no words for ${template}`);
  const t = inLang(mail, lang);
  const moment = (at: Date) => t.moment(formatDay(lang, dayOf(at)), clockOf(at));
  const missing = (name: string) => new Error(`${template} has no ${name}`);
  const paragraphs = known({
    t,
    vars,
    organisation: organisation ?? 'Vital Sync',
    when: t.when(moment(writtenAt)),
    moment,
    link: (usual) => {
      const path = vars.path ?? usual;
      if (path === undefined) throw missing('path');
      return origin + path;
    },
    need: (name) => {
      if (vars[name] === undefined) throw missing(name);
      return String(vars[name]);
    },
  });
  if (isSms(template))
    return {
      subject: null,
      text: [toGsm(paragraphs[0] ?? ''), ...(vars.code ? [bindTo(origin, vars.code)] : [])].join('\n\n'),
    };
  const subject = t[`${template}_subject` as keyof Words] as string; // each template of `templates` has one: a test reads them all
  return { subject, text: `${[...paragraphs, `-- \n${t.closing}`].join('\n\n')}\n` };
}

/** A list's line is a paragraph; two lines of one paragraph are a sentence and its link. */
const templates = {
  invitation: ({ t, organisation, link, vars }: Parts) => [
    t.invitation(organisation),
    `${t.onceWithin(vars.hours ?? 72)}\n${link()}`,
    t.invitation_else,
  ],
  invitation_exists: ({ t, vars }: Parts) => [
    t.invitation_exists(vars.practice ?? 'Vital Sync'),
    t.invitation_exists_help,
    t.invitation_exists_else,
  ],
  email_confirmation: ({ t, link, vars }: Parts) => [
    t.email_confirmation,
    `${t.onceWithin(vars.hours ?? 72)}\n${link()}`,
    t.email_confirmation_else,
  ],
  registration_exists: ({ t, link }: Parts) => [
    t.registration_exists,
    `${t.registration_exists_signIn}\n${link('/sign-in')}`,
    `${t.registration_exists_recover}\n${link('/recover')}`,
    t.registration_exists_else,
  ],
  email_code: ({ t, need, link }: Parts) => [
    t.email_code(need('code')),
    t.email_code_help,
    `${t.email_code_else}\n${link('/account/password')}`,
  ],
  sms_code: ({ t, need }: Parts) => [t.sms_code(need('code'))],
  phone_code: ({ t, need }: Parts) => [t.phone_code(need('code'))],
  recovery_link: ({ t, when, link, vars }: Parts) => [
    `${t.recovery_link} ${when}`,
    `${t.onceWithin(vars.hours ?? 1)}\n${link()}`,
    t.recovery_link_else,
  ],
  recovery_requested: ({ t, when, vars, moment, link }: Parts) => [
    `${t.recovery_requested} ${when}`,
    ...(vars.ready_at ? [t.recovery_requested_ready(moment(vars.ready_at))] : []),
    `${t.recovery_requested_cancel}\n${link()}`,
  ],
  recovery_requested_sms: ({ t, link }: Parts) => [t.recovery_requested_sms(link())],
  recovery_ready: ({ t, link }: Parts) => [`${t.recovery_ready}\n${link('/recover')}`],
  recovery_confirmed: ({ t, link }: Parts) => [`${t.recovery_confirmed}\n${link('/recover')}`],
  recovery_cancelled: ({ t, when }: Parts) => [`${t.recovery_cancelled} ${when}`],
  recovery_asks_colleague: ({ t, link }: Parts) => [`${t.recovery_asks_colleague}\n${link('/admin/recoveries')}`],
  unusual_sign_in: ({ t, when, link, vars }: Parts) => [
    `${t.unusual_sign_in} ${when}`,
    ...whereFrom(t, vars),
    ...list(t, t.reasons, 'reason', vars.reasons),
    `${t.unusual_sign_in_else}\n${link('/account/sign-ins')}`,
  ],
  unusual_sign_in_of_member: ({ t, link }: Parts) => [`${t.unusual_sign_in_of_member}\n${link('/admin/sign-ins')}`],
  sign_in_stopped: ({ t, when, link, vars }: Parts) => [
    `${t.sign_in_stopped} ${when}`,
    ...whereFrom(t, vars),
    ...list(t, t.reasons, 'reason', vars.reasons),
    `${t.sign_in_stopped_release}\n${link()}`,
    t.sign_in_stopped_else,
  ],
  sign_in_disowned: ({ t, when, link, vars }: Parts) => [
    `${t.sign_in_disowned} ${when}`,
    ...list(t, t.undone, 'undone', vars.undone),
    `${t.sign_in_disowned_password}\n${link('/recover')}`,
    t.sign_in_disowned_else,
  ],
  codes_refused: ({ t, when, link }: Parts) => [
    `${t.codes_refused} ${when}`,
    `${t.codes_refused_else}\n${link('/account/password')}`,
  ],
  unusual_traffic: ({ t, when, link }: Parts) => [
    `${t.unusual_traffic} ${when}`,
    t.unusual_traffic_else,
    `${t.unusual_traffic_where}\n${link('/admin/sign-ins')}`,
  ],
  factor_added: (parts: Parts) => notice(parts, parts.t.factor_added(factor(parts))),
  factor_removed: (parts: Parts) => notice(parts, parts.t.factor_removed(factor(parts))),
  recovery_codes_made: (parts: Parts) => notice(parts, parts.t.recovery_codes_made),
  recovery_code_used: (parts: Parts) => {
    const { t, vars } = parts;
    return notice(parts, t.recovery_code_used, vars.left === undefined ? undefined : t.recovery_code_left(vars.left));
  },
  password_changed: (parts: Parts) => notice(parts, parts.t.password_changed),
  account_changed: (parts: Parts) => {
    const { t, when, link, vars } = parts;
    const what = changed(t, vars.change);
    if (vars.change === 'own_name') return notice(parts, what);
    return [
      `${what} ${when}`,
      // who can't sign in any more can't read it there
      vars.change === 'suspended' || vars.change === 'ended'
        ? t.account_changed_ask
        : `${t.account_changed_where}\n${link('/account')}`,
    ];
  },
  address_link: ({ t, link, vars }: Parts) => [
    t.address_link,
    `${t.onceWithin(vars.hours ?? 1)}\n${link()}`,
    t.address_link_else,
  ],
  address_exists: ({ t, when }: Parts) => [`${t.address_exists} ${when}`, t.address_exists_else],
  address_asked: ({ t, when, link }: Parts) => [`${t.address_asked} ${when}`, `${t.address_asked_else}\n${link()}`],
  address_changed: ({ t, when, link, moment, need }: Parts) => [
    `${t.address_changed} ${when}`,
    `${t.address_changed_else(moment(new Date(need('ready_at'))))}\n${link()}`,
  ],
  address_kept: ({ t, when, link }: Parts) => [
    `${t.address_kept} ${when}`,
    `${t.address_kept_next}\n${link('/account/password')}`,
  ],
  glass_broken: ({ t, when, link }: Parts) => [`${t.glass_broken} ${when}`, `${t.glass_broken_where}\n${link('/')}`],
  consent_withdrawn: ({ t, when, link }: Parts) => [
    `${t.consent_withdrawn} ${when}`,
    `${t.consent_withdrawn_where}\n${link('/privacy')}`,
  ],
  consent_withdrawn_here: ({ t, when }: Parts) => [`${t.consent_withdrawn} ${when}`, t.consent_withdrawn_here_else],
};
export type Template = keyof typeof templates;
export const templateNames = Object.keys(templates) as Template[]; // the keys of the object above

/** Something about one's own account happened, and what to do if it was somebody else. */
function notice({ t, when, link }: Parts, what: string, more?: string): string[] {
  return [`${what} ${when}`, ...(more ? [more] : []), `${t.notYou}\n${link('/account/sign-ins')}`];
}

/** « Depuis : Firefox sur Windows, Lyon (FR) »; nothing where nothing is known. */
function whereFrom(t: Words, { user_agent, place }: Parts['vars']): string[] {
  const { browser, system } = readDevice(user_agent ?? '');
  const device = [browser, system].filter((word) => word !== undefined).join(` ${t.on} `);
  const said = [device, place ? placeName(place) : ''].filter((word) => word !== '');
  return said.length > 0 ? [t.from(said.join(', '))] : [];
}

/** A sentence, and a line for each word that has one: `reason_odd_hour`. */
function list(t: Words, title: string, kind: 'reason' | 'undone', given: readonly string[] = []): string[] {
  const said = given.map((word) => t[`${kind}_${word}` as keyof Words]).filter((word) => typeof word === 'string');
  return said.length > 0 ? [[title, ...said.map((word) => `- ${word}`)].join('\n')] : [];
}

function changed(t: Words, change: string | undefined): string {
  const word = t[`account_changed_${change}` as keyof Words];
  return typeof word === 'string' ? word : t.account_changed;
}

function factor({ t, vars }: Parts): string {
  const word = t[`factor_${vars.factor}` as keyof Words];
  return typeof word === 'string' ? word : t.factor_other;
}

const isSms = (template: string): boolean => ['sms_code', 'phone_code', 'recovery_requested_sms'].includes(template);

/** Spaces and apostrophes that the alphabet of SMS has (GSM 03.38): with others a message takes 70 characters, not 160. */
const toGsm = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ').replaceAll('’', "'");

/** Browsers fill such a code in on this site and on no other: https://wicg.github.io/sms-one-time-codes. */
const bindTo = (origin: string, code: string): string => `@${new URL(origin).hostname} #${code}`;

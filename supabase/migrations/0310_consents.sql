-- Consents: what a patient has agreed to, in which words, and since when.
--
-- Guarantees
--   1. Each version of a text is kept as it was shown, in both languages, with its hash; nobody changes or removes one.
--   2. A consent is who, when, which text (by its hash), from which session and address; append-only. Its row and its event
--      are in the log, whose chain covers the digest of the row.
--   3. Without the three that are needed nobody registers; the other three are off until somebody switches them on.
--   4. One may be withdrawn at any time, whatever text is the present one. access.consents_to tells it from that moment on, in
--      the same transaction already; the last decision counts, also when the clock was set back in between.
--   5. A patient gives and reads their own, and nobody gives one in somebody else's place or at another time than now. The
--      DPO of the practice reads them with what proves them; the address is sealed with the account's key, and goes with it.
--   6. A withdrawn agreement stops what is new and hides nothing from who treats the patient (below). It tells the DPO and the
--      administrators that there is one, and not whose; it stays on the DPO's page until it was answered (0315).
--   7. Who treats the patient sees what is agreed to now where care depends on it, a secretary what a booking depends on, and
--      neither ever sees the answers on research and news.
--
-- What a withdrawal changes at once, and why. Care doesn't rest on consent (RGPD art. 6(1)(c), 9(2)(h)) and the record is kept
-- by law (CSP R1112-7, RGPD art. 17(3)(b) and (c)), so that withdrawing takes nothing away from the care team, from a colleague
-- to whom the patient was referred before, or from an emergency (RGPD art. 9(2)(c)): an allergy that isn't shown may kill. What
-- does rest on consent is sharing beyond those who treat already (CSP L1110-4 III), and this is what stops:
--   data_processing         no new referral (0112); nothing is taken in from elsewhere (0110)
--   medical_record_storage  nothing is taken in from elsewhere; what the practice itself must write down is written
--   telemedicine_usage      whoever treats or books reads that the patient wants to be seen at the practice
--   mes_sharing             whoever treats reads that nothing is to be sent to Mon espace santé
--   research_anonymized, marketing   access.consents_to says no to whoever does either
-- A secretary goes on seeing who somebody is, or nobody could tell them of an appointment or answer them. An administrator may
-- still give a patient to another team, recorded as ever: somebody has to care for them when their physician leaves.
-- Somebody who never was asked, having no account, has withdrawn nothing.

set role vs_owner;

-- ---------------------------------------------------------------- texts

create table privacy.consent_texts (
  type          text not null check (type in ('data_processing', 'telemedicine_usage', 'medical_record_storage',
                                              'mes_sharing', 'research_anonymized', 'marketing')),
  version       text not null check (version ~ '^[0-9]{4}\.[0-9]{1,3}$'),
  lang          text not null check (lang in ('fr', 'en')),
  title         text not null check (length(title) between 1 and 200),
  body          text not null check (length(body) between 1 and 4000),
  hash          bytea not null check (length(hash) = 32),
  published_at  timestamptz not null default clock_timestamp(),
  primary key (type, version, lang),
  -- a hash stands for one text
  unique (hash)
);
comment on table privacy.consent_texts is 'What people are asked, word for word: published for everybody, so it is in clear.';
alter table privacy.consent_texts enable row level security;
alter table privacy.consent_texts force row level security;
create policy select_owner on privacy.consent_texts for select to vs_owner using (true);
comment on policy select_owner on privacy.consent_texts is 'Pages show them, and consents refer to them.';
create policy insert_owner on privacy.consent_texts for insert to vs_owner with check (true);
comment on policy insert_owner on privacy.consent_texts is 'privacy.publish_text, when the words change.';
-- no update, no delete: somebody has agreed to these words
create trigger _100_append_only before update or delete on privacy.consent_texts for each row execute function audit.tg_events__append_only();
create trigger _101_no_truncate before truncate on privacy.consent_texts for each statement execute function audit.tg_events__append_only();

create function privacy.text_hash(type text, version text, lang text, title text, body text) returns bytea
language sql immutable set search_path = '' as $$
  select sha256(convert_to(concat(type, E'\n', version, E'\n', lang, E'\n', title, E'\n\n', body), 'UTF8'))
$$;
comment on function privacy.text_hash is 'SHA-256 of type, version, language and title, a line each, an empty line, then the text: docs/formats.md.';

create function privacy.publish_text(type text, version text, lang text, title text, body text) returns void
language sql volatile set search_path = '' as $$
  insert into privacy.consent_texts (type, version, lang, title, body, hash)
  values (type, version, lang, title, body, privacy.text_hash(type, version, lang, title, body))
$$;
comment on function privacy.publish_text is 'A new version of a text; a type''s current version is the one published last. As vs_owner.';

create function privacy.is_needed(type text) returns boolean
language sql immutable set search_path = '' as $$
  select type in ('data_processing', 'telemedicine_usage', 'medical_record_storage')
$$;
comment on function privacy.is_needed is 'Does registering ask for this consent? Internal.';

create function privacy.current_version(type text) returns text
language sql stable set search_path = '' as $$
  select t.version from privacy.consent_texts t where t.type = current_version.type order by t.published_at desc, t.version desc limit 1
$$;
comment on function privacy.current_version is 'Internal.';

do $$
declare
  v constant text := '2025.1';
begin
  perform privacy.publish_text('data_processing', v, 'fr', 'Utilisation de mes données de santé',
    'J’accepte que mon cabinet utilise mon identité, mes coordonnées et mes données de santé pour me soigner, organiser mes rendez-vous et remplir ses obligations légales. Seules les personnes qui me soignent, et celles qui les aident dans ce travail, y accèdent ; chaque consultation de mon dossier est enregistrée et je peux la voir. Je peux retirer cet accord à tout moment ; ce qui a été fait avant reste valable, et la loi oblige le cabinet à conserver mon dossier médical pendant un temps.');
  perform privacy.publish_text('data_processing', v, 'en', 'Use of my health data',
    'I agree that my practice uses my identity, contact details and health data to care for me, organise my appointments and meet its legal duties. Only the people who care for me, and those who help them in this work, have access; each look at my record is recorded and I can see it. I may withdraw this agreement at any time; what was done before stays valid, and the law obliges the practice to keep my medical record for some time.');
  perform privacy.publish_text('telemedicine_usage', v, 'fr', 'Consultations à distance',
    'J’accepte qu’une consultation puisse se faire à distance, par vidéo, quand mon soignant et moi le jugeons utile. Rien n’est filmé ni enregistré : seul le compte rendu rejoint mon dossier. Une consultation à distance ne remplace pas les urgences : en cas d’urgence, j’appelle le 15 ou le 112. Je peux retirer cet accord à tout moment et demander à être reçu au cabinet.');
  perform privacy.publish_text('telemedicine_usage', v, 'en', 'Remote consultations',
    'I agree that a consultation may take place remotely, by video, when my caregiver and I find it useful. Nothing is filmed or recorded: only the report joins my record. A remote consultation is no emergency service: in an emergency I call 15 or 112. I may withdraw this agreement at any time and ask to be seen at the practice.');
  perform privacy.publish_text('medical_record_storage', v, 'fr', 'Conservation de mon dossier médical',
    'J’accepte que mon dossier médical soit conservé sous forme électronique, chiffré, chez un hébergeur certifié pour les données de santé (HDS) situé dans l’Espace économique européen. Il est conservé vingt ans après ma dernière visite, puis effacé. Je peux retirer cet accord à tout moment ; le cabinet continue alors de conserver ce que la loi l’oblige à garder, et rien de plus.');
  perform privacy.publish_text('medical_record_storage', v, 'en', 'Storage of my medical record',
    'I agree that my medical record is kept in electronic form, encrypted, by a host certified for health data (HDS) in the European Economic Area. It is kept for twenty years after my last visit, then erased. I may withdraw this agreement at any time; the practice then keeps what the law obliges it to keep, and nothing more.');
  perform privacy.publish_text('mes_sharing', v, 'fr', 'Partage avec Mon espace santé',
    'J’accepte que mon cabinet envoie mes documents de santé dans mon espace personnel « Mon espace santé », où je décide qui peut les consulter. Sans cet accord, rien n’est envoyé et mes soins ne changent pas. Je peux le retirer à tout moment.');
  perform privacy.publish_text('mes_sharing', v, 'en', 'Sharing with Mon espace santé',
    'I agree that my practice sends my health documents to my personal space “Mon espace santé”, where I decide who may read them. Without this agreement nothing is sent, and my care stays the same. I may withdraw it at any time.');
  perform privacy.publish_text('research_anonymized', v, 'fr', 'Recherche, sans mon identité',
    'J’accepte que mes données, séparées de mon identité, servent à des recherches en santé. Les chercheurs ne voient ni mon nom, ni ma date de naissance, ni mes coordonnées. Sans cet accord, mes soins ne changent pas. Je peux le retirer à tout moment : mes données ne servent alors plus à de nouvelles recherches.');
  perform privacy.publish_text('research_anonymized', v, 'en', 'Research, without my identity',
    'I agree that my data, separated from my identity, serves health research. Researchers see neither my name, my date of birth nor my contact details. Without this agreement my care stays the same. I may withdraw it at any time: my data then serves no new research.');
  perform privacy.publish_text('marketing', v, 'fr', 'Informations de mon cabinet',
    'J’accepte de recevoir des informations générales de mon cabinet (campagnes de vaccination, horaires, nouveaux services) par message électronique. Jamais de publicité pour d’autres, et mes données de santé ne servent pas à choisir ces messages. Je peux retirer cet accord à tout moment.');
  perform privacy.publish_text('marketing', v, 'en', 'News from my practice',
    'I agree to receive general news from my practice (vaccination campaigns, opening hours, new services) by e-mail. Never advertising for others, and my health data isn’t used to choose these messages. I may withdraw this agreement at any time.');
end $$;

-- ---------------------------------------------------------------- consents

create table privacy.consents (
  id               uuid primary key default ops.uuid_v7(),
  account_id       uuid not null references iam.accounts,
  organisation_id  uuid not null references access.organisations,
  patient_id       uuid not null references store.patients,
  type             text not null check (type in ('data_processing', 'telemedicine_usage', 'medical_record_storage',
                                                 'mes_sharing', 'research_anonymized', 'marketing')),
  given            boolean not null,
  text_hash        bytea not null references privacy.consent_texts (hash),
  session_id       uuid not null,
  origin_id        uuid,
  ip               bytea,
  at               timestamptz not null default clock_timestamp(),
  -- which is the last word: a clock may be set back
  seq              int not null check (seq > 0),
  unique (patient_id, type, seq)
);
comment on table privacy.consents is 'FHIR Consent: given or withdrawn, one row each; the last row of a type counts.';
-- the DPO's list
create index consents_organisation on privacy.consents (organisation_id, at desc);
-- what waits on the DPO's desk (0315)
create index consents_withdrawn on privacy.consents (organisation_id, at desc) where not given;
create index consents_account on privacy.consents (account_id);
create index consents_text on privacy.consents (text_hash);
alter table privacy.consents enable row level security;
alter table privacy.consents force row level security;
create policy select_patient on privacy.consents for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on privacy.consents is 'One''s own.';
create policy select_dpo on privacy.consents for select to vs_dpo
  using (organisation_id = (select access.organisation_as('dpo')));
comment on policy select_dpo on privacy.consents is 'The DPO shows that somebody has agreed (RGPD art. 7(1)).';
create policy select_owner on privacy.consents for select to vs_owner using (true);
comment on policy select_owner on privacy.consents is 'access.consents_to.';
create policy insert_owner on privacy.consents for insert to vs_owner
  with check ((select access.role()) = 'patient' and account_id = (select access.account_id())
              and organisation_id = (select access.organisation_id()) and patient_id = any ((select access.patients('patient'))::uuid[])
              and at between clock_timestamp() - interval '1 minute' and clock_timestamp() + interval '5 seconds');
comment on policy insert_owner on privacy.consents is 'A patient, in their own name, of their own record, now.';
-- no update, no delete: a withdrawal is another row
create trigger _100_append_only before update or delete on privacy.consents for each row execute function audit.tg_events__append_only();
create trigger _101_no_truncate before truncate on privacy.consents for each statement execute function audit.tg_events__append_only();
create trigger _900_audit after insert or update or delete on privacy.consents for each row execute function audit.tg_row('Consent', 'patient_id');

create function access.consents_to(patient uuid, type text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce((select c.given from privacy.consents c
                   where c.patient_id = patient and c.type = consents_to.type order by c.seq desc limit 1), false);
end $$;
comment on function access.consents_to is 'Does this patient agree, now? Whoever shares, invites to a remote consultation or does research asks it. Internal.';

create function access.has_withdrawn(patient uuid, types text[]) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from unnest(types) t cross join lateral (
    select c.given from privacy.consents c where c.patient_id = patient and c.type = t order by c.seq desc limit 1) l where not l.given);
end $$;
comment on function access.has_withdrawn is 'Has this patient agreed to one of these and taken it back? Who never was asked has not. Internal: 0110 and 0112 ask it.';

-- What a row is bound to: everything in it that says who agreed to what, and when.
create function privacy.consent_context(c privacy.consents) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  return uuid_send(c.organisation_id) || uuid_send(c.patient_id) || convert_to(c.type, 'UTF8') || boolsend(c.given) || c.text_hash
    || uuid_send(c.session_id) || timestamptz_send(c.at);
end $$;
comment on function privacy.consent_context is 'Internal.';

-- Who asks is in the transaction's identity: the policy refuses any other.
-- Its address is that of the transaction, kept once more under the account's own key: the log forgets where from before a
-- consent may be forgotten.
create function privacy.address_of(ring text, organisation uuid, origin uuid) returns text
language plpgsql stable set search_path = '' as $$
declare
  o audit.origins;
begin
  select * into o from audit.origins x where x.id = origin and x.organisation_id = organisation;
  if o.ip is null then return null; end if;
  return convert_from(vault.unpack(vault.unwrap(ring, organisation, 'organisation'), 'audit.origins.ip'::bytea || '\x00'::bytea
    || uuid_send(o.id) || uuid_send(organisation) || int8send(1), o.ip), 'UTF8');
end $$;
comment on function privacy.address_of is 'Internal. Errors: VS404, VS500, VS503.';

-- Who asks is in the transaction's identity: the policy refuses any other.
create function privacy.record_consent(ring text, c text[], type text, given boolean, hash bytea) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  made privacy.consents;
begin
  made.id := ops.uuid_v7();
  made.account_id := c[2]::uuid;
  made.organisation_id := c[3]::uuid;
  made.patient_id := c[5]::uuid;
  made.type := record_consent.type;
  made.given := record_consent.given;
  made.text_hash := hash;
  made.session_id := c[1]::uuid;
  made.origin_id := c[8]::uuid;
  made.at := clock_timestamp();
  made.seq := coalesce((select max(x.seq) from privacy.consents x where x.patient_id = made.patient_id and x.type = made.type), 0) + 1;
  made.ip := vault.seal(vault.unwrap(ring, made.account_id, 'profile'), made.id, made.account_id, 1, privacy.consent_context(made),
                        'privacy.consents.ip', privacy.address_of(ring, made.organisation_id, made.origin_id));
  insert into privacy.consents values (made.*);
  perform audit.append(c, case when given then 'consent.give' else 'consent.withdraw' end, 'Consent', made.id, made.patient_id, 'success',
    json_build_object('type', type, 'text', encode(hash, 'hex'))::text);
  return made.id;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'this was decided elsewhere at the same moment: read it again';
end $$;
comment on function privacy.record_consent is 'One row and its event. c: as access.claims(). Internal. Errors: VS404, VS409, VS503.';

-- ---------------------------------------------------------------- registering

create function iam.consent_texts(lang text) returns table (type text, version text, needed boolean, title text, body text, hash text)
language plpgsql stable security definer rows 6 set search_path = '' set debug_print_plan = off as $$
begin
  return query
  select t.type, t.version, privacy.is_needed(t.type), t.title, t.body, encode(t.hash, 'hex')
  from privacy.consent_texts t where t.lang = consent_texts.lang and t.version = privacy.current_version(t.type)
  order by array_position(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing', 'research_anonymized', 'marketing'], t.type);
end $$;
comment on function iam.consent_texts is 'What somebody who registers is asked, in this language: the texts of now.';
grant execute on function iam.consent_texts to vs_gate;

create function privacy.agrees(choices jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  -- every needed one, and no text but one of now: whoever was shown older words is asked again
  return jsonb_typeof(choices) = 'object'
    and not exists (select from jsonb_each_text(choices) k left join privacy.consent_texts t on t.type = k.key and encode(t.hash, 'hex') = k.value
                    where t.hash is null or t.version <> privacy.current_version(k.key))
    and not exists (select from unnest(array['data_processing', 'telemedicine_usage', 'medical_record_storage']) n where not choices ? n);
end $$;
comment on function privacy.agrees is 'Do these choices let somebody register? choices: {type: hash of the text that was shown, hex}, what was agreed to alone. Internal.';

create function privacy.first_consents(ring text, c text[], choices jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  if privacy.agrees(choices) is not true then return false; end if;
  perform privacy.record_consent(ring, c, k.key, true, decode(k.value, 'hex')) from jsonb_each_text(choices) k order by k.key;
  return true;
end $$;
comment on function privacy.first_consents is 'The consents of somebody who registers, or accepts an invitation to their record; false, and nothing is written, unless the needed ones are given. c: the identity of the session, which access.set_claims has set. Internal.';

-- ---------------------------------------------------------------- one's own

create function clinic.read_consents() returns table (type text, version text, lang text, needed boolean, title text, body text, hash text,
  given boolean, at timestamptz, agreed_version text)
language plpgsql stable security definer rows 12 set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  return query
  select t.type, t.version, t.lang, privacy.is_needed(t.type), t.title, t.body, encode(t.hash, 'hex'),
         coalesce(l.given, false), l.at, l.version
  from privacy.consent_texts t
  left join lateral (select x.given, x.at, y.version from privacy.consents x join privacy.consent_texts y on y.hash = x.text_hash
                     where x.patient_id = c[5]::uuid and x.type = t.type order by x.seq desc limit 1) l on true
  where c[4] = 'patient' and t.version = privacy.current_version(t.type)
  order by array_position(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing', 'research_anonymized', 'marketing'], t.type);
end $$;
comment on function clinic.read_consents is 'For a patient.';
create view clinic.consents with (security_invoker = true) as select * from clinic.read_consents();
comment on view clinic.consents is 'What a patient is asked, in each language, and what they have agreed to so far (agreed_version: which words). not null: type, version, lang, needed, title, body, hash, given';

create view clinic.consent_history with (security_invoker = true) as
  select c.id, c.type, c.given, c.at, encode(c.text_hash, 'hex') as text_hash from privacy.consents c;
comment on view clinic.consent_history is 'Everything that a patient has agreed to or withdrawn, newest first. not null: id, type, given, at, text_hash';

create function privacy.tell_of_withdrawal(ring text, organisation uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  m record;
begin
  for m in select distinct on (x.account_id) x.account_id, x.role from access.memberships x join iam.accounts a on a.id = x.account_id
           where x.organisation_id = organisation and x.role in ('dpo', 'org_admin')
             and access.membership_is_live(x.id) and a.email_confirmed_at is not null
             -- nobody fills a mailbox by changing their mind: the page tells of each one
             and not exists (select from ops.outbox o where o.account_id = x.account_id and o.template like 'consent\_withdrawn%'
                             and o.created_at > clock_timestamp() - interval '1 hour')
           order by x.account_id, x.role loop
    begin
      -- an administrator sees no patients, and has no page of them
      perform ops.post(ring, m.account_id, 'email', case m.role when 'dpo' then 'consent_withdrawn' else 'consent_withdrawn_here' end);
    exception when others then
      -- withdrawing waits for no message: the page tells all the same
      continue;
    end;
  end loop;
end $$;
comment on function privacy.tell_of_withdrawal is 'An e-mail to the DPO and the administrators, which says that a needed agreement was withdrawn, and neither whose nor which. Internal.';

create function clinic.change_consent(key uuid, type text, given boolean, hash text) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  id uuid;
  withdrawn boolean;
begin
  if (c[4] = 'patient' and c[5] is not null) is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'a patient decides on their own consents';
  end if;
  -- one agrees to the words of now; no new text stands between somebody and taking an agreement back
  if not exists (select from privacy.consent_texts t where t.type = change_consent.type and encode(t.hash, 'hex') = change_consent.hash
                 and (t.version = privacy.current_version(t.type) or change_consent.given is false)) then
    raise exception using errcode = 'VS409', message = 'this text has changed since: read it again';
  end if;
  -- one after the other, so that the last row is the last word
  perform iam.lock_account(c[2]::uuid);
  -- to and fro by a program fills the log; taking back what is in force never waits
  if (given is false and access.consents_to(c[5]::uuid, type)) is not true and ops.take('consents/' || c[2], 60, 1.0 / 600) > 0 then
    raise exception using errcode = 'VS429', message = 'too many decisions in a short time';
  end if;
  withdrawn := given is false and privacy.is_needed(type) and access.consents_to(c[5]::uuid, type);
  id := privacy.record_consent(vault.ring(), c, type, given, decode(hash, 'hex'));
  if withdrawn then perform privacy.tell_of_withdrawal(vault.ring(), c[3]::uuid); end if;
  perform ops.fulfil(key, case when given then 'consents.give' else 'consents.withdraw' end, id);
  return id;
end $$;
comment on function clinic.change_consent is 'A patient gives or withdraws a consent, with effect at once. hash: of the text that was shown. key: ops.intend(key, ''consents.give'' or ''consents.withdraw''). Errors: VS208, VS403, VS409, VS428, VS429.';

-- ---------------------------------------------------------------- for who treats

create function clinic.read_patient_consents(patient uuid) returns table (type text, agreed boolean, decided_at timestamptz)
language plpgsql stable security definer rows 4 set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  -- opened in an earlier transaction, like all that a page shows of a patient
  if (c[4] in ('clinician', 'secretary') and access.may_open(c, patient, 'identity') and audit.is_open(c[1]::uuid, patient, 'identity')) is not true then
    return;
  end if;
  return query
  select t.t, access.consents_to(patient, t.t),
         (select x.at from privacy.consents x where x.patient_id = patient and x.type = t.t order by x.seq desc limit 1)
  -- no research, no marketing: what somebody answers there is no business of who treats them
  from unnest(case c[4] when 'clinician' then array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing']
              else array['telemedicine_usage'] end) with ordinality t (t, place)
  order by t.place;
end $$;
comment on function clinic.read_patient_consents is 'What a patient agrees to now, for who treats them, and whether they may be seen remotely, for a secretary. decided_at: NULL for what they never were asked. Nothing unless audit.open_patient went before.';
grant execute on function clinic.read_patient_consents to vs_clinician, vs_secretary;

-- ---------------------------------------------------------------- proof

create function privacy.consent_address(consent uuid) returns text
language plpgsql stable parallel unsafe security definer cost 5000 set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('dpo');
  x privacy.consents;
begin
  select * into x from privacy.consents p where p.id = consent and p.organisation_id = organisation;
  if x.ip is null or not exists (select from vault.keys k where k.subject_id = x.account_id and k.level = 'profile') then return null; end if;
  return convert_from(vault.unpack(vault.unwrap(vault.ring(), x.account_id, 'profile'),
    'privacy.consents.ip'::bytea || '\x00'::bytea || uuid_send(x.id) || uuid_send(x.account_id) || int8send(1) || privacy.consent_context(x), x.ip), 'UTF8');
end $$;
comment on function privacy.consent_address is 'For the DPO: where a consent came from. It opens only if no column of the row has been changed; NULL after an erasure.';

create view clinic.consent_proofs with (security_invoker = true) as
  select c.id, c.patient_id, c.type, c.given, c.at, encode(c.text_hash, 'hex') as text_hash, a.ip
  from privacy.consents c left join lateral (select privacy.consent_address(c.id) as ip offset 0) a on true;
comment on view clinic.consent_proofs is 'For the DPO: who agreed to which words, when and from where. not null: id, patient_id, type, given, at, text_hash';

-- The settings are those of audit.tg_row: its digest of this row is computed once more.
create function privacy.consent_digest(c privacy.consents) returns text
language sql stable set search_path = '' set timezone = 'UTC' set datestyle = 'ISO, YMD' set bytea_output = 'hex' set intervalstyle = 'iso_8601'
  set extra_float_digits = '1' as $$
  select encode(sha256(convert_to(to_jsonb(c)::text, 'UTF8')), 'hex')
$$;
comment on function privacy.consent_digest is 'What the log holds of this row, in the details of its row.insert. Internal.';

create function privacy.proof_of(c text[], consent uuid) returns privacy.consents
language plpgsql stable set search_path = '' as $$
declare
  x privacy.consents;
begin
  select * into x from privacy.consents p where p.id = consent
    and ((c[4] = 'dpo' and p.organisation_id = c[3]::uuid) or (c[4] = 'patient' and p.patient_id = c[5]::uuid));
  return x;
end $$;
comment on function privacy.proof_of is 'This consent, if it is for this person to prove: their own, or of their organisation for its DPO. c: as access.claims(). Internal.';

create function audit.open_consent_proof(consent uuid) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  x privacy.consents;
begin
  if c is null then return 'signed_out'; end if;
  x := privacy.proof_of(c, consent);
  if c[4] = 'patient' and x.id is not null then return 'ok'; end if;
  perform audit.append(c, 'log.read', 'Consent', consent, x.patient_id, case when x.id is null then 'failure' else 'success' end);
  return case when x.id is not null then 'ok' when c[4] in ('dpo', 'patient') then 'hidden' else 'forbidden' end;
end $$;
comment on function audit.open_consent_proof is 'The DPO reads the proof of one consent, which the log and the patient''s page tell; a patient their own. ok, hidden, forbidden or signed_out.';

create function clinic.consent_proof(consent uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  x privacy.consents := privacy.proof_of(c, consent);
  ip text;
begin
  if x.id is null then
    raise exception using errcode = 'VS404', message = 'there is no such agreement here';
  end if;
  -- opens only if no column of the row has been changed; gone with the account's key after an erasure
  if x.ip is not null and exists (select from vault.keys k where k.subject_id = x.account_id and k.level = 'profile') then
    ip := convert_from(vault.unpack(vault.unwrap(vault.ring(), x.account_id, 'profile'),
      'privacy.consents.ip'::bytea || '\x00'::bytea || uuid_send(x.id) || uuid_send(x.account_id) || int8send(1) || privacy.consent_context(x), x.ip), 'UTF8');
  end if;
  return (select jsonb_build_object('format', 'vital-sync-consent-proof/1', 'consent', x.id, 'organisation', x.organisation_id,
    'organisation_name', o.name, 'patient', x.patient_id, 'account', x.account_id, 'session', x.session_id, 'type', x.type, 'given', x.given,
    'at', to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'ip', ip,
    'text', jsonb_build_object('version', t.version, 'lang', t.lang, 'title', t.title, 'body', t.body, 'hash', encode(t.hash, 'hex'),
                               'published_at', to_json(t.published_at)),
    'row_digest', privacy.consent_digest(x),
    -- where it stands in the log: what `vitalsync audit verify` and an export check
    'log', coalesce((select jsonb_agg(jsonb_build_object('event', e.event, 'lane', e.lane, 'seq', e.seq, 'leaf', e.leaf,
                                        'leaf_hash', encode(sha256(convert_to(e.leaf, 'UTF8')), 'hex')) order by e.at, e.seq)
      from audit.events e where e.patient_id = x.patient_id and e.resource_type = 'Consent' and e.resource_id = x.id
        and e.event in ('row.insert', 'consent.give', 'consent.withdraw')
        -- of its own transaction: the index of a patient's events, and its partition alone
        and e.at between x.at - interval '1 minute' and x.at + interval '5 minutes'), '[]'))
  from privacy.consent_texts t, access.organisations o where t.hash = x.text_hash and o.id = x.organisation_id);
end $$;
comment on function clinic.consent_proof is 'All that proves one consent, for the DPO and for the patient: docs/formats.md. audit.open_consent_proof goes before. Errors: VS404, VS500 if the row was changed, VS503.';
grant execute on function clinic.consent_proof to vs_patient, vs_dpo;
grant execute on function audit.open_consent_proof to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

create function audit.open_consents() returns text
language sql volatile security definer set search_path = '' set debug_print_plan = off as $$ select audit.open_page('dpo', 'log.read', 'Consent') $$;
comment on function audit.open_consents is 'The DPO reads consents and their proofs. ok, forbidden or signed_out.';

grant execute on function clinic.read_consents, clinic.change_consent to vs_patient;
grant execute on function privacy.consent_address to vs_dpo;
grant execute on function audit.open_consents to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant select (id, patient_id, type, given, at, text_hash) on privacy.consents to vs_patient, vs_dpo;
grant select on clinic.consents, clinic.consent_history to vs_patient;
grant select on clinic.consent_proofs to vs_dpo;

reset role;

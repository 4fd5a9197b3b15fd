// Requirement C7: every act and every failure of signing in, of factors, sessions, limits, permissions and keys is in the log,
// once, with who did it, from where, and how it ended. Each is done here, in the order of a life; and each word of the closed
// list of 0070_audit has something that writes it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import './security-events/sign-in.ts';
import './security-events/factors.ts';
import './security-events/sessions.ts';
import './security-events/accounts.ts';
import './security-events/recovery.ts';
import './security-events/keys.ts';
import { acts, closeStage, here, openStage, owner } from './security-events/stage.ts';

beforeAll(openStage);
afterAll(closeStage);

type Row = { outcome: string; actor: string | null; role: string; details: Record<string, unknown>; here: boolean };

describe('is in the log, once, with who, from where and how it ended', () => {
  test.each(acts)('$event: $what', async ({ event, by, outcome, details, fromNowhere, act }) => {
    const [{ at }] = await owner('select max(at)::text as at from audit.events');
    await act();
    const rows: Row[] = await owner(
      `select e.outcome, e.actor_id as actor, e.actor_role as role, coalesce(o.digest = $3, false) as here,
              coalesce(e.details::jsonb, '{}') || jsonb_build_object('of', e.resource_type) as details
       from audit.events e left join audit.origins o on o.id = e.origin_id where e.event = $1 and e.at > $2::timestamptz`,
      [event, at, here],
    );
    const like = rows.filter(
      (row) => row.outcome === outcome && matches(row.details, details) && row.here === !fromNowhere,
    );
    expect(
      like.map(({ actor }) => actor),
      JSON.stringify(rows),
    ).toEqual([by()]);
    // the role that they have, and not one from before
    const [now] = await owner('select role from access.memberships where account_id = $1 and valid_until > now()', [
      by(),
    ]);
    expect(like[0]?.role).toBe(now?.role ?? (by() ? 'patient' : fromNowhere ? 'owner' : 'unknown'));
  });
});

const matches = (given: Record<string, unknown> | null, wanted: Record<string, unknown> = {}): boolean =>
  Object.entries(wanted).every(([name, value]) => JSON.stringify(given?.[name]) === JSON.stringify(value));

// Words that are no sign-in, factor, session, limit or permission of a person, or that want a setting of their own.
const ELSEWHERE: Record<string, string> = {
  'openings.limited': 'openings.test.ts',
  'network.refused': 'networks.test.ts',
  'traffic.unusual': '../../supabase/tests/0089_traffic.sql',
};

describe('the closed list', () => {
  const words = async (): Promise<string[]> => {
    const [row] = await owner(
      `select pg_get_constraintdef(oid) as text from pg_constraint where conrelid = 'audit.events'::regclass and conname ~ 'event_check'`,
    );
    return [...String(row.text).matchAll(/'([a-z_]+\.[a-z_]+)'/g)].map(([, word]) => word!);
  };

  test('has no word of security that is not produced here, or where it says', async () => {
    const ours = (await words()).filter((word) =>
      /^(session|factor|password|code|message|account|recovery|consent|openings|keys|network|traffic)\.|^page\.refused$/.test(
        word,
      ),
    );
    const done = new Set(acts.map(({ event }) => event));
    const missing = ours.filter((word) => {
      const file = ELSEWHERE[word];
      return !done.has(word) && !(file && readFileSync(join(import.meta.dirname, file), 'utf8').includes(`'${word}'`));
    });
    expect(ours.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });

  test('has no word that nothing writes', async () => {
    const sources: { prosrc: string }[] = await owner(
      `select prosrc from pg_proc p where pronamespace::regnamespace::text = any ('{audit,access,iam,ops,vault,store,clinic,privacy}')`,
    );
    // a migration of what was there before, and what the edge refuses by itself, are named where they are told
    const told = ['db/existing', 'edge'].flatMap((folder) => {
      const files = readdirSync(join(import.meta.dirname, '../..', folder)).filter((file) => file.endsWith('.ts'));
      return files.map((file) => readFileSync(join(import.meta.dirname, '../..', folder, file), 'utf8'));
    });
    const text = [...sources.map(({ prosrc }) => prosrc), ...told].join('\n');
    // whole, or put together: 'row.' || lower(tg_op)
    const isWritten = (word: string) => text.includes(`'${word}'`) || text.includes(`'${word.split('.')[0]}.' ||`);
    const silent = (await words()).filter((word) => !isWritten(word));
    expect(silent).toEqual([]);
  });
});

// Whoever has shown a password and nothing else: a session of one factor for each role, and what it must not find.
import { asOwner } from '../../db/owner.ts';
import type { TestDatabase } from './database.ts';
import type { Person } from './practice.ts';
import { callerFrom, newToken } from './sign-ins.ts';

/** Of the world of world.ts and its days of lived-in.ts: identities, texts, names of staff, addresses; and what is planted below. */
export const canaries = [
  ...['Nom Cabinet', 'Voisin Cabinet', 'Élise', '1958-03-12', 'Moreau'],
  ...['Texte libre', 'Inconsciente', 'courrier du 3 mars'],
  ...['Nomclinician', 'Nomsecretary', 'Nomorg_admin', 'Nomauditor', 'Nomdpo', 'Nomresearcher', 'Nompatient', 'Camille'],
  ...['33698765432', 'Clé du tiroir', 'Recife'],
];
/** Of practice.ts: an example in a form is nobody's. */
const address = /[a-z_]+-[0-9a-f]{8}@exemple\.fr/;

/** The canaries that stand in a text, in whatever letters and encoding a page or JSON puts them. */
export function foundIn(text: string): string[] {
  const plain = text
    .replace(/&#(\d+);|&#x([0-9a-f]+);/gi, (_, d, x) => String.fromCodePoint(d ? Number(d) : Number.parseInt(x, 16)))
    .replace(/\\u([0-9a-f]{4})/gi, (_, x) => String.fromCodePoint(Number.parseInt(x, 16)))
    .toLowerCase();
  const words = canaries.filter((word) => plain.includes(word.toLowerCase()));
  return [...words, ...(address.exec(plain) ?? [])];
}

/** A telephone, a passkey, and a sign-in from far away, for everybody. */
export async function plant(db: TestDatabase, people: readonly Person[]): Promise<void> {
  const sealed = (label: string, row: string) =>
    `vault.seal(vault.unwrap($1, $2, 'profile'), ${row}, $2, 1, '', '${label}', $3)`;
  await asOwner(db.admin, async () => {
    for (const { account } of people) {
      await db.admin.query(
        `insert into iam.phones (account_id, number, confirmed_at) values ($2, ${sealed('iam.phones.number', '$2')}, now())`,
        [db.ring, account, '+33698765432'],
      );
      await db.admin.query(
        `insert into iam.passkeys (id, account_id, rp_id, credential_id, public_key, name, user_verified, backup_eligible, backed_up)
         select p.id, $2, 'vital.test', extensions.gen_random_bytes(16), '\\x00', ${sealed('iam.passkeys.name', 'p.id')}, true, false, false
         from (select ops.uuid_v7() as id) p`,
        [db.ring, account, 'Clé du tiroir'],
      );
      await db.admin.query('select iam.weigh_sign_in($1, iam.start_session($1, $2, $3, $4, $5), $5)', [
        ...[db.ring, account, newToken(), ['password']],
        callerFrom({ place: 'BR/Recife/-8.05,-34.9' }),
      ]);
    }
  });
}

/** What somebody holds after the right password. */
export const afterPassword = (db: TestDatabase, { account }: Person): Promise<string> =>
  asOwner(db.admin, async () => {
    const token = newToken();
    await db.admin.query('select iam.start_session($1, $2, $3, $4, $5)', [
      ...[db.ring, account, token, ['password']],
      callerFrom({}),
    ]);
    return token;
  });

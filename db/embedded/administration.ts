// What the superuser of the embedded Postgres does: the administrator's login and the database.
import { CommandError } from '../command-error.ts';
import { connect } from '../connect.ts';
import { scramVerifier } from '../scram.ts';

export const databaseName = 'vitalsync';

/** False when the login or the database isn't there yet. */
export async function canConnect(url: string): Promise<boolean> {
  try {
    await (await connect(url)).end();
    return true;
  } catch (error) {
    if (error instanceof CommandError && /refuses the login|There is no database/.test(error.message)) return false;
    throw error;
  }
}

/** The administrator's login and database, when this is the first start. */
export async function provision(superuserUrl: string, adminPassword: string): Promise<void> {
  const client = await connect(superuserUrl);
  try {
    const verifier = client.escapeLiteral(scramVerifier(adminPassword));
    const { rows } = await client.query("select from pg_roles where rolname = 'vs_admin'");
    await client.query(`${rows.length === 0 ? 'create' : 'alter'} role vs_admin login createrole password ${verifier}`);
    for (const template of ['postgres', 'template1'])
      await client.query(`revoke all on database ${template} from public`);
    await client.query(`create database ${databaseName} owner vs_admin`);
  } finally {
    await client.end();
  }
}

/** For a demo that was cut short. */
export async function dropDatabase(superuserUrl: string): Promise<void> {
  const client = await connect(superuserUrl);
  try {
    await client.query(`drop database if exists ${databaseName} with (force)`);
  } finally {
    await client.end();
  }
}

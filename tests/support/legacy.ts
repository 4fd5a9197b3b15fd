// What a practice had before: tables of another application in the same database, in clear.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';

export const legacyTable = 'ancien."Patients du cabinet"';
export const canary = (name: string): string => `Canari${name}${randomBytes(5).toString('hex')}`;

/** Rows with every kind of value that hurts: quotes, NULL beside empty, JSON, dates before Christ, text beyond a page. */
export async function makeLegacyPatients(admin: pg.Client, rows: number): Promise<void> {
  await admin.query(`
    create schema if not exists ancien;
    create table ${legacyTable} (
      id int primary key, nom text not null, "Prénom ""usuel""" text, naissance date, sexe char(1), "donneesEntretien" jsonb,
      brut json, solde numeric(12,4), "vu le" timestamptz, duree interval, note text, etiquettes text[], "d'état; --""\\ é" text, actif boolean default true)`);
  await admin.query(
    `insert into ${legacyTable}
     select i, $1 || i, case i % 3 when 0 then null when 1 then '' else 'O''Brien "' || i || '" \\ é' end,
            case when i % 11 = 0 then '0044-03-15 BC' else date '1930-01-01' + i end, case i % 2 when 0 then 'F' else 'M' end,
            jsonb_build_object('motif', $2 || i, 'score', i * 1.50, 'liste', jsonb_build_array(null, '', 'é')),
            case when i % 5 = 0 then '{"b":  1, "a": "' || $2 || i || '"}' end::json, i * 1.1000, timestamptz '2020-01-01 00:00:00.123456+02' + i * interval '1 hour',
            make_interval(days => i, secs => 0.5), case when i % 100 = 0 then repeat($3 || i || ' ', 2000) else $3 || i end, array['a,b', null, $1 || i], case when i % 7 > 0 then $1 || '''; --' || i end, i % 2 = 0
     from generate_series(1, $4::int) i`,
    [patientCanaries.name, patientCanaries.json, patientCanaries.note, rows],
  );
  await admin.query(`analyze ${legacyTable}`);
}
/** A name that ends whatever quotes it badly. */
export const hostile = `d'état; --"\\ é`;
export const patientCanaries = { name: canary('Nom'), json: canary('Motif'), note: canary('Note') };

export const patientsMap = (organisation: string, clinician: string) => ({
  organisation,
  patient: 'id',
  create: {
    clinician,
    birth_name: 'nom',
    first_given_name: 'Prénom "usuel"',
    birth_date: { value: '' },
    sex: { column: 'sexe', values: { F: 'female', M: 'male' } },
  },
  columns: {
    nom: 'identity',
    'Prénom "usuel"': { key: 'identity', into: 'prenom_scelle' },
    naissance: 'identity',
    sexe: 'identity',
    donneesEntretien: 'clinical',
    brut: 'clinical',
    solde: 'identity',
    'vu le': 'clinical',
    duree: 'clinical',
    note: 'clinical',
    etiquettes: 'identity',
    [hostile]: { key: 'identity', into: hostile.slice(0, 8) },
  },
  clear: ['id', 'actif'],
  view: 'anciens_patients',
});

export function writeMap(directory: string, map: object | string): string {
  const file = join(directory, `map-${randomBytes(4).toString('hex')}.json`);
  writeFileSync(file, typeof map === 'string' ? map : JSON.stringify(map, null, 2));
  return file;
}

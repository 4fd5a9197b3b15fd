/** How an organisation judges sign-ins, and which codes it lets be sent (0099_sign_ins). */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { Settings } from './form.ts';

export function openSecurity() {
  return sql<{ answer: string }>`select audit.open_sign_ins() as answer`.compile(k);
}

export function readSecurity() {
  return k.selectFrom('clinic.security').selectAll().compile();
}

export function changeSecurity(key: string, { notice_from, stop_from, email_codes, sms_codes }: Settings) {
  return sql<{ id: string }>`
    select clinic.change_security(${key}::uuid, ${notice_from}::int, ${stop_from}::int, ${email_codes}::boolean,
                                  ${sms_codes}::boolean) as id`.compile(k);
}

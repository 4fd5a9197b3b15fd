import { z } from 'zod';

export type Settings = { notice_from: number; stop_from: number; email_codes: boolean; sms_codes: boolean };
/** As it was typed. */
export type SecurityValues = {
  key: string;
  notice_from: string;
  stop_from: string;
  email_codes: boolean;
  sms_codes: boolean;
};
export type SecurityErrors = Partial<Record<'notice_from' | 'stop_from', 'notANumber' | 'stopBeforeNotice'>>;

const typed = z.string().trim().max(20).catch('');
/** A box that isn't ticked isn't sent. */
const ticked = z
  .literal('on')
  .transform(() => true)
  .catch(false);
const Form = z.object({
  key: z.guid().catch(() => crypto.randomUUID()),
  notice_from: typed,
  stop_from: typed,
  email_codes: ticked,
  sms_codes: ticked,
});

/** What the form holds; `settings` when it is whole. */
export function readForm(fields: unknown): { values: SecurityValues; errors: SecurityErrors; settings?: Settings } {
  const values = Form.parse(fields);
  const notice_from = points(values.notice_from);
  const stop_from = points(values.stop_from);
  const errors: SecurityErrors = {
    ...(notice_from === undefined && { notice_from: 'notANumber' }),
    ...(stop_from === undefined && { stop_from: 'notANumber' }),
  };
  if (notice_from === undefined || stop_from === undefined) return { values, errors };
  if (stop_from < notice_from) return { values, errors: { stop_from: 'stopBeforeNotice' } };
  const { email_codes, sms_codes } = values;
  return { values, errors, settings: { notice_from, stop_from, email_codes, sms_codes } };
}

function points(text: string): number | undefined {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= 1000 ? number : undefined;
}

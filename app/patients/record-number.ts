/** The number of a record as people copy and read it out: with or without hyphens, spaces and capitals. Undefined for anything else. */
export function recordNumber(typed: string): string | undefined {
  const digits = typed.replace(/[\s-]/g, '').toLowerCase();
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits);
  return parts?.slice(1).join('-');
}

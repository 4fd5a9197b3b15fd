/** « Dr Claire MORVAN » under M: iam.person_name writes the family name last, and alone in capitals. */
export function familyName(displayName: string): string {
  const words = displayName.split(' ');
  const from = words.findIndex((word) => /\p{L}.*\p{L}/u.test(word) && word === word.toLocaleUpperCase('fr'));
  return from < 0 ? displayName : words.slice(from).join(' ');
}

/** Names are decrypted, and nothing decrypted is sorted in SQL. */
export function byFamilyName<Row extends { display_name: string | null }>(rows: readonly Row[]): Row[] {
  const key = (row: Row) => {
    const name = row.display_name ?? '';
    return `${familyName(name)} ${name}`;
  };
  return rows.toSorted((a, b) => key(a).localeCompare(key(b), 'fr'));
}

/** The minor version of each major from which ordinary SQL users can't run code (CVE-2026-14680, CVE-2026-6460). */
const fixedIn: Record<number, number> = { 15: 20, 16: 16, 17: 12, 18: 7 };

/**
 * A sentence about known holes of this server, or nothing.
 * @param version server_version_num: 180004 is 18.4
 */
export function knownHoles(version: number): string | undefined {
  const major = Math.floor(version / 10000);
  const minor = version % 10000;
  const fixed = fixedIn[major];
  if (fixed === undefined) return `Postgres ${major} isn't among the versions that Vital Sync is tested on: 15 to 18.`;
  if (minor >= fixed) return undefined;
  return `Postgres ${major}.${minor} has known holes (CVE-2026-14680, CVE-2026-6460): update to ${major}.${fixed} or later.`;
}

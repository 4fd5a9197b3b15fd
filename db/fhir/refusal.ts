/**
 * A bundle that can't be taken, with the path of the offending place inside it, as
 * `entry[12].resource.subject.reference`. The sentence names codes and rules, never a value from
 * the bundle: it ends up on screens and in logs.
 */
export class NotFhir extends Error {
  readonly path: string;
  constructor(path: string, why: string) {
    super(why);
    this.name = 'NotFhir';
    this.path = path;
  }
}

/** What a resource becomes: a row for the record, or the reason why it was left. */
export type Mapped<Row> = { row: Row; at: string | null } | { left: string };

export const left = (why: string): { left: string } => ({ left: why });

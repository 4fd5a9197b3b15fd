// What of the schema audit is evidence, and what isn't; whatever stands in neither list fails.
export type Evidence = {
  /** Columns that choose a row. */
  key: readonly string[];
  /** The columns by which verification names the place, one way or another. */
  place: readonly (readonly string[])[];
  /** What it says at least, where the row's own columns don't tell its place any more. */
  says?: RegExp;
  /** Columns that prove nothing, and why. */
  free?: Record<string, string>;
  /** Why a row that is gone, or there twice, is no loss. */
  copied?: string;
};

const lane = ['organisation_id', 'lane'];

export const evidence: Record<string, Evidence> = {
  events: { key: [...lane, 'seq'], place: [[...lane, 'seq']] },
  leaves: { key: [...lane, 'seq'], place: [[...lane, 'seq']] },
  lanes: { key: lane, place: [lane] },
  pruned: { key: [...lane, 'first_seq'], place: [lane] },
  log: { key: ['generation', 'leaf_index'], place: [[...lane, 'seq'], ['leaf_index']] },
  nodes: { key: ['generation', 'level', 'node_index'], place: [[]], says: /the hash of the \d+ leaves from here/ },
  checkpoints: {
    key: ['generation', 'size'],
    place: [[]],
    says: /the checkpoint of size/,
    copied: 'a copy of what stands outside, where it is compared',
    free: { sealed_at: "the database's own clock: what is signed has no time in it" },
  },
  log_origins: {
    key: ['generation'],
    place: [[]],
    says: /the log/,
    free: { began_at: "the database's own clock: what is signed has no time in it" },
  },
};

export const noEvidence: Record<string, string> = {
  openings: 'what may be opened for a quarter of an hour; each look is an event',
  selections: 'what a list will show; each list is an event',
  signing_keys: 'adding and retiring one are events; which are believed is said outside, by VITAL_SIGNING_KEY',
  exports: 'what may be exported for five minutes; each export is an event',
  origins: 'an event names one by its id, which is chained; its content is authenticated by the vault',
};

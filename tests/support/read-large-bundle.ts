// Reads a made-up bundle of 50 MB twice, as the import does, and prints the memory that this process took at most,
// in MB. Many patients, each after their resources; nothing of it is ever whole in memory.
import { items, survey } from '../../db/fhir/bundle.ts';
import { about, entry, type Json, MARIE, weight } from './bundles.ts';

const SIZE = 50_000_000;
const id = (n: number) => `66666666-6666-4666-8666-${String(n).padStart(12, '0')}`;

async function* largeBundle(): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let written = 0;
  yield encoder.encode('{"resourceType":"Bundle","type":"collection","entry":[');
  for (let n = 0; written < SIZE; n++) {
    const person: Json = { ...MARIE, id: id(n) };
    const claim: Json = {
      resourceType: 'Claim',
      id: `c${n}`,
      patient: about(person),
      text: { div: 'x'.repeat(20_000) },
    };
    const resources = [
      ...Array.from({ length: 60 }, (_, i) => weight(person, { id: id(1_000_000 + n * 60 + i) })),
      claim,
      person,
    ];
    const chunk = encoder.encode((n ? ',' : '') + resources.map((resource) => JSON.stringify(entry(resource))).join());
    written += chunk.length;
    yield chunk;
  }
  yield encoder.encode(']}');
}

const found = await survey(largeBundle());
let rows = 0;
for await (const item of items(largeBundle(), found)) if (item.kind === 'row') rows++;
process.stdout.write(
  JSON.stringify({ patients: found.patients.length, rows, megabytes: process.resourceUsage().maxRSS / 1024 }),
);

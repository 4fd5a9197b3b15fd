import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { verifierKeys } from '../log/checkpoint.ts';
import { proveEvent } from '../log/prove.ts';
import { asOwner } from '../owner.ts';
import { withAdmin, withSite } from '../site.ts';

export const auditProof: Command = {
  name: 'audit proof',
  summary: 'prove that an event is in the signed log',
  usage: 'EVENT [DIR] [--json]',
  help: `
Writes three files to DIR (by default the one you are in): EVENT.tlog-proof (C2SP tlog-proof: place in the log, hashes,
and the signed checkpoint), EVENT.leaf (the event, the exact bytes that are hashed) and key.vkey. Whoever has them checks
them without us: vitalsync audit verify EVENT.tlog-proof, or any tool for transparency logs.

  --json  proof and leaf as data; nothing is written`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const [event = '', directory = '.'] = input.words;
    const id = event.toLowerCase();
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
      throw new CommandError('Which event? vitalsync audit proof EVENT: its id is on the audit page.');
    return withSite(async (site) => {
      const { leaf, proof, checkpoint } = await withAdmin(site, (admin) =>
        asOwner(admin, () => proveEvent(admin, site, id)),
      );
      const key = verifierKeys(checkpoint.origin, site.keys.signing);
      if (input.flag('json')) {
        print({ event: id, leaf, proof, key: key.trim() });
        return 0;
      }
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `${id}.tlog-proof`), proof);
      writeFileSync(join(directory, `${id}.leaf`), leaf);
      writeFileSync(join(directory, 'key.vkey'), key);
      print(`${join(directory, `${id}.tlog-proof`)}: ${checkpoint.origin}, signed at ${checkpoint.size} events.`);
      return 0;
    });
  },
};

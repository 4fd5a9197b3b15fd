import { type Command, type Input, print, table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { type Certificate, type Erased, erase, listErasures } from '../erase.ts';
import { withAdmin, withSite } from '../site.ts';
import { askOnTerminal } from '../terminal.ts';

export const eraseCommand: Command = {
  name: 'erase',
  summary: 'forget patients: destroy their keys (RGPD art. 17), or list who was forgotten',
  usage: 'PATIENT… [--ground GROUND] [--yes] [--json] | --list [--json]',
  help: `
PATIENT is the id of a record. Destroys the patient's keys and search tokens, ends every way to the record and the
patient's own account, and prints a certificate. Nothing brings it back; a backup that is restored does it again before it
serves. The law keeps a record for 20 years after the last visit: before that, only the last two grounds erase it.

  --ground  retention_ended, no_longer_necessary, consent_withdrawn, objection, unlawful_processing (a record that should
            never have been made) or legal_obligation (an order); without it, what the DPO asked on
  --yes     don't ask; otherwise the id is typed once more
  --list    every erasure, the newest first
  --json    certificates as data (docs/formats.md)`,
  options: {
    ground: { type: 'string' },
    yes: { type: 'boolean' },
    list: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (input) => {
    if (input.flag('list')) {
      if (input.words.length > 0) throw new CommandError('--list names nobody: leave the id out.');
      const all = await withSite((site) => withAdmin(site, listErasures));
      print(input.flag('json') ? all : describeAll(all));
      return 0;
    }
    const patients = readPatients(input);
    if (!input.flag('yes')) await confirm(patients);
    const ground = input.text('ground') ?? null;
    const erased = await withSite((site) => withAdmin(site, (admin) => erase(admin, site, patients, ground)));
    print(input.flag('json') ? erased : describe(erased));
    return 0;
  },
};

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function readPatients({ words }: Input): string[] {
  if (words.length === 0) throw new CommandError('Whom? Give the id of a record. See vitalsync erase --help.');
  const patients = words.map((word) => word.toLowerCase());
  const wrong = patients.find((word) => !uuid.test(word));
  if (wrong) throw new CommandError(`${wrong} is not the id of a record, which is a UUID.`);
  return [...new Set(patients)];
}

/** What was typed is what is erased: an arrow key and Enter, or a script that forgot --yes, erase nobody. */
async function confirm(patients: readonly string[]): Promise<void> {
  if (!process.stdin.isTTY) throw new CommandError('Nobody was asked, and nothing was erased: give --yes.');
  for (const patient of patients) {
    const typed = await askOnTerminal(`This can't be undone. Type the id to forget ${patient}: `);
    if (typed.toLowerCase() !== patient) throw new CommandError("That isn't the id: nothing was erased.");
  }
}

function describe({ erasures, outside, keys_rewritten }: Erased): string {
  const told = `The record outside holds ${erasures.length === 1 ? 'it' : 'them'}: ${outside}`;
  const warning = keys_rewritten
    ? ''
    : '\nThe table of keys was in use: run `vacuum full vault.keys` as vs_owner when it is quiet, or its file keeps the bytes.';
  return `${erasures.map(describeOne).join('\n\n')}\n\n${told}${warning}`;
}

function describeOne(one: Certificate): string {
  const destroyed = Object.entries(one.destroyed).filter(([, count]) => count > 0);
  return table([
    ['patient', one.patient],
    ['practice', one.organisation_name ?? one.organisation],
    ['ground', one.ground],
    ['asked by', one.requested_by ?? 'the administrator of the installation'],
    ['erased', one.erased_at],
    ['destroyed', destroyed.map(([what, count]) => `${count} ${what.replaceAll('_', ' ')}`).join(', ') || 'nothing'],
    ['event', `${one.event.id}, leaf hash ${one.event.leaf_hash}`],
    ['complete from', `${one.complete_from}, or when these master keys are destroyed: ${one.masters.join(', ')}`],
  ]);
}

function describeAll(all: readonly Certificate[]): string {
  if (all.length === 0) return 'Nobody was forgotten here.';
  const rows = all.map((one) => [
    one.erased_at.slice(0, 10),
    one.patient,
    one.organisation_name ?? one.organisation,
    one.ground,
    one.complete_from.slice(0, 10),
  ]);
  return table([['erased', 'patient', 'practice', 'ground', 'complete from'], ...rows]);
}

// Master keys and lists of networks: changed by the administrator of the installation, from nowhere.
import { act, nobody, owner } from './stage.ts';

const byTheInstallation = (event: string, what: string, details: Record<string, unknown>, statement: string) =>
  act(event, what, nobody, 'success', details, () => owner(statement), true);

const master = { master: 'next' };
const added = `insert into vault.masters (id, check_value) values ('next', substr(sha256('x'), 1, 16))`;
byTheInstallation('keys.add', 'a master key', master, added);
const current = `update vault.masters set current_since = now() where id = 'next'`;
byTheInstallation('keys.rotate', 'another one takes over', master, current);
const retired = `update vault.masters set retired_at = now(), active = false where id = 'next'`;
byTheInstallation('keys.retire', 'it goes', master, retired);

const deny = `select ops.deny_network('203.0.113.0/24', 'test', interval '1 hour')`;
byTheInstallation('network.deny', 'a network is refused', { list: 'deny' }, deny);
const allow = `select ops.allow_network('198.51.100.0/24', 'practice', interval '1 hour')`;
byTheInstallation('network.allow', 'a network is shared by many', { list: 'allow' }, allow);
byTheInstallation('network.lift', 'no longer', { list: 'deny' }, `select ops.lift_network('203.0.113.0/24')`);

// Master keys: made, current, gone. By the administrator of the installation, from nowhere.

import { act, nobody, owner } from './stage.ts';

for (const [event, what, statement] of [
  [
    'keys.add',
    'a master key',
    `insert into vault.masters (id, check_value) values ('next', substr(sha256('x'), 1, 16))`,
  ],
  ['keys.rotate', 'another one takes over', `update vault.masters set current_since = now() where id = 'next'`],
  ['keys.retire', 'it goes', `update vault.masters set retired_at = now(), active = false where id = 'next'`],
] as const)
  act(event, what, nobody, 'success', { master: 'next' }, () => owner(statement), true);

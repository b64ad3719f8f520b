import { fail } from '@caponier/protocol';
import type { JoinTalk } from './messages.ts';

/** Both people compared the numbers. Resolves when both said yes. Throws `code.declined`. */
export async function agree(talk: JoinTalk, mine: Promise<boolean>): Promise<void> {
  const theirs = talk.hear('yes');
  theirs.catch(() => {});
  // Their no ends it here at once; their yes waits for ours.
  const yes = await Promise.race([mine, theirs.then(() => mine)]);
  await talk.say({ type: yes ? 'yes' : 'no' });
  if (!yes) throw fail('code.declined', 'here');
  await theirs;
}

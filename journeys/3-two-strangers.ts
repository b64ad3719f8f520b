import { joinWithCode } from './joining.ts';
import { expect, rootFlag, type Stage } from './stage.ts';

interface Letter {
  from: string;
  text: string;
}

/** Two owners, two agents, one of them offline at first, and a relay that dies in between. */
export async function twoStrangers(stage: Stage): Promise<void> {
  const alice = stage.machine('laptop');
  const bob = stage.machine('bob');
  await joinWithCode(alice, bob, ['--contact', '--name', 'bob'], ['--name', 'alice', ...rootFlag]);
  stage.say('laptop  caponier add --contact    bob joins as a contact; his owner is made on the way');

  await bob.run('down');
  await alice.run('send', 'bob', 'the build is green: ship it?');
  stage.say('laptop  caponier send bob …       bob is offline; the relay has the mail on disk');

  const { services } = await alice.ask<{ services: { role: string; pid: number }[] }>('status');
  process.kill(services.find((s) => s.role === 'relay')!.pid, 'SIGKILL');
  stage.say('relay   kill -9                   between send and delivery');

  await bob.run('up', ...rootFlag);
  const letters = await received(bob.start('listen', '--json', '--count', '2', '--timeout', '8'));
  expect(
    letters.length === 1 && letters[0]!.text === 'the build is green: ship it?',
    `the message arrives once: ${JSON.stringify(letters)}`,
  );
  stage.say('bob     caponier listen           it arrives, once, sealed from laptop to bob');

  await bob.run('send', 'alice', 'yes: all tests pass here too');
  const back = await received(alice.start('listen', '--json', '--count', '1', '--timeout', '20'));
  expect(back[0]?.text === 'yes: all tests pass here too', 'the answer comes back');
  stage.say('bob     caponier send alice …     and the answer comes back');
}

async function received(listening: { exit: Promise<number>; output: string; endInput(): void }): Promise<Letter[]> {
  listening.endInput();
  await listening.exit;
  return listening.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Letter);
}

import { joinWithCode } from './joining.ts';
import { expect, rootFlag, type Stage } from './stage.ts';

/** A laptop, a box, one code: from nothing to a prompt on the other machine. */
export async function firstMinute(stage: Stage): Promise<void> {
  const laptop = stage.machine('laptop');
  const box = stage.machine('box');

  await laptop.run('up', '--host', '127.0.0.1', ...rootFlag);
  stage.say('laptop  caponier up           owner, services and daemon run; nothing was asked');

  const number = await joinWithCode(laptop, box, ['--name', 'box'], [...rootFlag]);
  stage.say(`laptop  caponier add          a code; box: caponier join <code>; both show ${number}`);

  const hello = await laptop.run('shell', 'box', '--', 'echo', 'hello from $CAPONIER_DEVICE');
  expect(hello.includes('hello from box'), 'the shell runs on the box');
  stage.say('laptop  caponier shell box    a prompt on the box, end to end through the relay');

  const who = await laptop.run(
    'run',
    '--as',
    'claude',
    '--',
    process.execPath,
    '-e',
    'console.log("I am " + process.env.CAPONIER_AGENT)',
  );
  expect(who.includes('I am claude@laptop'), 'the agent runs under a name of its own');
  stage.say('laptop  caponier run claude   an agent with a key of its own, narrower than the laptop’s');

  const { devices } = await laptop.ask<{ devices: { name: string; role: string }[] }>('status');
  expect(
    devices.some((d) => d.name === 'box' && d.role === 'member'),
    'status lists the box as a member',
  );
}

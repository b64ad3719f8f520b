import { measureFlood } from '../relay/flood.ts';
import { measureForward } from '../relay/forward.ts';
import { measureIdle } from '../relay/idle.ts';
import { measureMail } from '../relay/mail.ts';
import type { Suite } from '../suite.ts';

/** The relay against the least that could do its work, each with its clients in processes of their own. */
export default {
  name: 'relay',
  async run(report) {
    await measureForward(report);
    await measureMail(report);
    await measureFlood(report);
    await measureIdle(report);
  },
} satisfies Suite;

import { createInProcessBus } from '../../src/index.ts';
import { busContract } from '../contract/bus.ts';

busContract('in process', async () => createInProcessBus());

import type { Log } from '@caponier/host';
import type { Device, Transport } from '@caponier/sdk';

/** What the local API works on. */
export interface LocalContext {
  readonly device: Device;
  readonly transport: Transport;
  readonly log: Log;
}

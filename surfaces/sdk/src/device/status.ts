import type { Did } from '@caponier/protocol';
import type { OwnerView } from '@caponier/verify';
import { contactsOf } from '../contacts/contacts.ts';
import type { Service } from '../directory/types.ts';
import type { Views } from '../views/views.ts';
import type { DeviceStatus } from './types.ts';

export function statusOf({
  did,
  view,
  views,
  relay,
  services,
  now,
}: {
  readonly did: Did;
  readonly view: OwnerView;
  readonly views: Views;
  readonly relay: DeviceStatus['relay'];
  readonly services: readonly Service[];
  /** Milliseconds. */
  readonly now: number;
}): DeviceStatus {
  const self = view.device(did);
  const { size, newest, trouble } = views.status;
  return {
    owner: view.id,
    did,
    name: self?.name ?? '',
    role: self?.role ?? 'member',
    devices: view.devices().map((device) => ({
      name: device.name,
      did: device.did,
      role: device.role,
      approver: view.approver(device.did) !== undefined,
      frozen: view.frozen(device.did) !== undefined,
    })),
    contacts: contactsOf(view, now).map(({ name, owner }) => ({ name, owner })),
    freezes: view.freezes().map(({ id, payload }) => ({ id, what: payload.what, target: payload.target })),
    recovery: view.roots.recovery !== null,
    relay,
    log: { size, age: newest === 0 ? null : Math.max(0, Math.floor(now / 1000) - newest), trouble },
    services,
  };
}

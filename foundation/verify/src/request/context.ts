import { type Did, fail, type Verified } from '@caponier/protocol';
import type { DatedView } from '../follow/freshness.ts';
import type { Device, Grant } from '../owner/state.ts';
import type { Bundle } from './bundle.ts';

/** Where views come from; a `LogFollower` is one. */
export interface Views {
  /** Throws `owner.unknown`, `owner.withheld`. */
  get(owner: string): DatedView;
}

/** Who asks, as grants, budgets and ceilings count it. */
export interface Asker {
  /** The owner of the device: another than the grant's where a contact asks. */
  readonly owner: string;
  readonly device: Did;
  /** Null where the device asks for its person. */
  readonly agent: string | null;
}

/**
 * A request while it is checked. Views are read once, at one moment: no check sees another state of the owner than the one
 * before it.
 */
export class RequestUnderCheck {
  readonly bundle: Bundle;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly #views: Views;
  readonly #named: (bundle: Bundle) => { readonly owner: string; readonly grant: string };
  readonly #seen = new Map<string, DatedView>();

  /** `named` says which owner and grant this is about: for broker and gate what the request names, for workers the permit. */
  constructor(bundle: Bundle, views: Views, now: number, named: (bundle: Bundle) => { owner: string; grant: string }) {
    this.bundle = bundle;
    this.now = now;
    this.#views = views;
    this.#named = named;
  }

  /** The same request against what is known now: for whoever has waited since. `now` in milliseconds. */
  again(now: number): RequestUnderCheck {
    return new RequestUnderCheck(this.bundle, this.#views, now, this.#named);
  }

  #view(owner: string): DatedView {
    const seen = this.#seen.get(owner) ?? this.#views.get(owner);
    this.#seen.set(owner, seen);
    return seen;
  }

  get request(): Verified<'request'> {
    return this.bundle.request;
  }

  /** Whose data it is about: who gave the grant. */
  get owner(): DatedView {
    return this.#view(this.#named(this.bundle).owner);
  }

  /** The grant, in force or revoked. Throws `grant.not_found`. */
  get grant(): Grant {
    const { view } = this.owner;
    const { grant: id } = this.#named(this.bundle);
    const grant = view.grant(id) ?? view.formerGrant(id);
    if (!grant) throw fail('grant.not_found');
    return grant;
  }

  /** Who owns the device that asks. */
  get home(): DatedView {
    return this.#view(this.grant.to.owner ?? this.owner.view.id);
  }

  /** The device that asks, enrolled or revoked. Throws `owner.not_enrolled`. */
  get device(): Device {
    const { view } = this.home;
    const did = this.request.payload.device;
    const device = view.device(did) ?? view.formerDevice(did);
    if (!device) throw fail('owner.not_enrolled', 'device of the request');
    return device;
  }

  get asker(): Asker {
    const { device, agent } = this.request.payload;
    return { owner: this.home.view.id, device, agent };
  }
}

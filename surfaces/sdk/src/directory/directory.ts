import { fail, type Verified, verifyStatement } from '@caponier/protocol';
import type { OwnerView } from '@caponier/verify';
import type { Service } from './types.ts';

/** Most `service` statements that are kept: one an operator, and a few that were replaced. */
export const maxServiceStatements = 16;

/**
 * Where the services are, as operators say, and only those that the owner's trust names: an operator that is not the
 * owner's can lead nobody anywhere, and one that is cannot make somebody else's key count.
 */
export function servicesOf(view: OwnerView, statements: readonly Verified<'service'>[]): Service[] {
  const newestFirst = statements
    .filter((statement) => view.isOperator(statement.kid))
    .sort((a, b) => b.payload.iat - a.payload.iat);
  // An operator's newest statement replaces its older ones: a service that moved is not where it was.
  const current = newestFirst.filter((s, i) => newestFirst.findIndex((other) => other.kid === s.kid) === i);
  const found = new Map<string, Service>();
  for (const { payload } of current) {
    for (const { role, class: of, key, url, pin, custody } of payload.services) {
      const name = `${role} ${of ?? ''} ${key}`;
      if (found.has(name) || !trusted(view, role, of, key)) continue;
      found.set(name, { role, class: of, key, url: url.replace(/\/+$/, ''), pin, custody });
    }
  }
  return [...found.values()];
}

function trusted(view: OwnerView, role: Service['role'], of: string | null, key: Service['key']): boolean {
  switch (role) {
    case 'relay':
      return view.isRelay(key);
    case 'registry':
      return view.trust?.log.key === key;
    case 'witness':
      return view.trust?.witnesses.some((witness) => witness.key === key) ?? false;
    case 'broker':
      return view.isBroker(key);
    case 'gate':
      return view.isGate(key);
    case 'worker':
      return of !== null && view.isWorker(of, key);
    case 'web':
      return true;
  }
}

export function openServices(statements: readonly string[]): Verified<'service'>[] {
  return statements.slice(-maxServiceStatements).map((jws) => verifyStatement(jws, 'service'));
}

/** Throws `owner.no_service`. */
export function findService(services: readonly Service[], role: Service['role'], of: string | null = null): Service {
  const service = services.find((s) => s.role === role && (role !== 'worker' || s.class === of));
  if (!service) throw fail('owner.no_service', of ? `${role} ${of}` : role);
  return service;
}

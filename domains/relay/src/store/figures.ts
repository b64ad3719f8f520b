import { int, type Sql } from '@caponier/store/operations';

/** What is kept, in numbers, for whoever runs the relay. */
export interface StoreFigures {
  readonly owners: number;
  readonly devices: number;
  /** Mail that waits: messages, and bytes of their bodies. */
  readonly mails: number;
  readonly mailBytes: number;
}

/** Looks at a row for each device: for a person or a collector that asks now and then. */
export function figures(sql: Sql): StoreFigures {
  const owners = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM owners');
  const slots = sql.get<{ n: bigint; mails: bigint; bytes: bigint }>(
    'SELECT count(*) AS n, coalesce(sum(pending), 0) AS mails, coalesce(sum(bytes), 0) AS bytes FROM slots',
  );
  return { owners: int(owners!.n), devices: int(slots!.n), mails: int(slots!.mails), mailBytes: int(slots!.bytes) };
}

import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const KeySlotFields = graphql(`
  fragment KeySlotFields on KeySlot {
    slot
    kind
    ownerId
    label
    recipient
    walOf
    opens
    keyId
    createdAt
    current
    opened
  }
`);

export type KeySlot = ResultOf<typeof KeySlotFields>;

/** A key of the repository: everything that was wrapped for one passphrase, key file or recipient. */
export interface KeyOwner {
  readonly ownerId: string;
  readonly newest: KeySlot;
  readonly slots: number;
  /** When its first slot was made. */
  readonly since: string;
  /** It opens what is stored from now on. */
  readonly current: boolean;
}

/** One line for each key, the oldest first. */
export function ownersOf(slots: readonly KeySlot[]): readonly KeyOwner[] {
  const owners = new Map<string, KeyOwner>();
  for (const slot of slots) {
    const known = owners.get(slot.ownerId);
    owners.set(slot.ownerId, {
      ownerId: slot.ownerId,
      newest: slot,
      slots: (known?.slots ?? 0) + 1,
      since: known === undefined || slot.createdAt < known.since ? slot.createdAt : known.since,
      current: slot.current || known?.current === true,
    });
  }
  return [...owners.values()];
}

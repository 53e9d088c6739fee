import type { EntityManager } from 'typeorm';

/** Who belongs to an organisation no more, told inside the transaction that takes them out. */
export interface MembershipEnd {
  readonly organizationId: string;
  readonly userIds: readonly string[];
}

type Listener = (manager: EntityManager, end: MembershipEnd) => Promise<void>;

/** How rooms that hold sessions learn, within the same transaction, that some act for an organisation no more. */
export class MembershipEnds {
  private readonly listeners: Listener[] = [];

  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** Tells every listener in turn; what one throws undoes the end. */
  async announce(manager: EntityManager, end: MembershipEnd): Promise<void> {
    for (const listener of this.listeners) await listener(manager, end);
  }
}

import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock.js';
import {
  BrowsersService,
  type BrowserContents,
  type RecognisedBrowser,
} from '../../sessions/browsers.service.js';
import type { OwnMembership } from '../../users/organizations.store.js';
import type { Belonging } from './profile.js';
import { fromBrowser, fromSession, wrap, type Belongings } from './translate.js';
import { Refusal } from '../../refusal.js';

/** What an answer is made from: the browser as it is by now. */
export interface Shown {
  readonly contents: BrowserContents;
  readonly belongings: Belongings;
  readonly now: Date;
}

/** Answers that carry the browser's state along, as it is after whatever was done (CONTRACTS.md 2.1). */
@Injectable()
export class Piggyback {
  constructor(
    private readonly browsers: BrowsersService,
    private readonly clock: Clock,
  ) {}

  /**
   * `{response, client}`; what is asked for is shown by the caller.
   * @throws Refusal unauthenticated when the browser is gone; whatever `show` throws
   */
  async answer(recognised: RecognisedBrowser, show: (shown: Shown) => object | null): Promise<object> {
    const contents = await this.browsers.contents(recognised);
    const now = this.clock.now();
    const belongings = belongingsOf(contents);
    return wrap(show({ contents, belongings, now }), fromBrowser(contents, belongings, now));
  }
}

/** The client itself. */
export function showClient({ contents, belongings, now }: Shown): object {
  return fromBrowser(contents, belongings, now);
}

/** A session that the browser holds. @throws Refusal not_found */
export function showSession(id: string | null | undefined) {
  return ({ contents, belongings, now }: Shown): object => {
    const session = contents.sessions.find((held) => held.id === id);
    if (session === undefined) throw new Refusal('not_found');
    return fromSession(session, belongings, now);
  };
}

/** A membership as this API's translations take it. */
export function toBelonging(membership: OwnMembership): Belonging {
  return { membership, organization: membership.organization };
}

function belongingsOf({ memberships }: BrowserContents): Belongings {
  return new Map([...memberships].map(([userId, own]) => [userId, own.map(toBelonging)]));
}

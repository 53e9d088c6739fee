import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BrowsersService } from '../../src/sessions/browsers.service.js';
import { ClerkBrowser, SETTINGS } from '../support/clerk-browser.js';
import { Latchkey, PASSWORD, type Person } from '../support/latchkey.js';
import { asCareful } from '../support/second-factor.js';

let latchkey: Latchkey;
let browser: ClerkBrowser;

beforeAll(async () => {
  latchkey = await Latchkey.start(SETTINGS);
});
afterAll(() => latchkey.stop());
beforeEach(async () => {
  browser = new ClerkBrowser(latchkey);
  await browser.post('/client').expect(200);
});

const TABS = 8;
/** Tabs that all hold the credential that the browser has at this moment. */
function tabs(): ClerkBrowser[] {
  return Array.from({ length: TABS }, () => {
    const tab = new ClerkBrowser(latchkey);
    tab.cookie = browser.cookie;
    return tab;
  });
}

/** Does something so many milliseconds later, so that rounds meet at different places. */
async function after<T>(milliseconds: number, work: () => PromiseLike<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return work();
}

/** How many live sessions these people have. */
async function liveSessionsOf(people: readonly Pick<Person, 'id'>[]): Promise<number> {
  const ids = people.map(({ id }) => id);
  const rows = await latchkey.sql(`SELECT id FROM sessions WHERE status = 'active' AND user_id = ANY ($1)`, [
    ids,
  ]);
  return rows.length;
}

describe('at once', () => {
  it('many people who sign in under one credential never share a browser, and no refused session lives on', async () => {
    const people = await Promise.all(Array.from({ length: TABS }, () => latchkey.addUser()));
    const own = tabs();
    const signingIn = own.map((tab, index) =>
      tab.post('/client/sign_ins', { identifier: people[index]!.email, password: PASSWORD }),
    );
    const answers = await Promise.all(signingIn);
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners.length).toBeGreaterThan(0);
    // Who came after the change of credential had none that counts, and got a browser of their own.
    expect(new Set(winners.map(({ body }) => body.client.id)).size).toBe(winners.length);
    expect(winners.every(({ body }) => body.client.sessions.length === 1)).toBe(true);
    expect(answers.every(({ status }) => [200, 401].includes(status))).toBe(true);
    expect(await liveSessionsOf(people)).toBe(winners.length);
  });

  it('one sign-in is completed once', async () => {
    const person = await latchkey.addUser();
    const { body } = await browser.post('/client/sign_ins', { identifier: person.email }).expect(200);
    const path = `/client/sign_ins/${body.response.id}/attempt_first_factor`;
    const form = { strategy: 'password', password: PASSWORD };
    const answers = await Promise.all(tabs().map((tab) => tab.post(path, form)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await liveSessionsOf([person])).toBe(1);
  });

  it('SECURITY 26: one code of an authenticator app lets one in', async () => {
    const careful = await asCareful(latchkey);
    const begun = await browser
      .post('/client/sign_ins', { identifier: careful.email, password: PASSWORD })
      .expect(200);
    const before = await liveSessionsOf([careful]);
    const path = `/client/sign_ins/${begun.body.response.id}/attempt_second_factor`;
    const form = { strategy: 'totp', code: latchkey.codeNow(careful.secret) };
    const answers = await Promise.all(tabs().map((tab) => tab.post(path, form)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await liveSessionsOf([careful])).toBe(before + 1);
  });

  it('a session is ended once', async () => {
    const id = await browser.signIn(await latchkey.addUser());
    const answers = await Promise.all(tabs().map((tab) => tab.post(`/client/sessions/${id}/end`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.every(({ status }) => [200, 400, 404].includes(status))).toBe(true);
  });

  it('SECURITY 133: the old credential is dead from the answer of the sign-in on, whatever is under way', async () => {
    const id = await browser.signIn(await latchkey.addUser());
    const old = tabs();
    let over = false;
    const late: number[] = [];
    const using = old.map(async (tab) => {
      while (!over) expect([200, 401]).toContain(await tab.statusOf(id));
      late.push(await tab.statusOf(id));
    });
    await browser.signIn(await latchkey.addUser());
    over = true;
    await Promise.all(using);
    expect(late).toEqual(Array<number>(TABS).fill(401));
    expect(await browser.statusOf(id)).toBe(200);
  });

  it('SECURITY 133: the old credential does not learn who signs in while its request is under way', async () => {
    const planted = Object.assign(new ClerkBrowser(latchkey), { cookie: browser.cookie });
    const browsers = latchkey.app.get(BrowsersService, { strict: false });
    const recognise = browsers.recognise.bind(browsers);
    const recognised = jest.spyOn(browsers, 'recognise').mockImplementationOnce(async (...asked) => {
      const found = await recognise(...asked);
      await browser.signIn(await latchkey.addUser());
      return found;
    });
    const { status, text } = await planted.call('put', '/client');
    recognised.mockRestore();
    expect([status, text.includes('@example.com')]).toEqual([401, false]);
  });

  it('a browser that is emptied while people sign in to it holds what it says it holds', async () => {
    const people = await Promise.all(Array.from({ length: TABS }, () => latchkey.addUser()));
    const work = tabs().map((tab, index) =>
      index % 2 === 0
        ? tab.delete('/client/sessions')
        : tab.post('/client/sign_ins', { identifier: people[index]!.email, password: PASSWORD }),
    );
    const answers = await Promise.all(work);
    const signedIn = answers.filter(({ status, body }) => status === 200 && body.response.created_session_id);
    expect(answers.every(({ status }) => [200, 401, 404].includes(status))).toBe(true);
    // Each under a credential that no other request had.
    expect(await liveSessionsOf(people)).toBe(signedIn.length);
  });

  it('a client is forgotten only under the credential that it has at that moment', async () => {
    for (let round = 0; round < 24; round++) {
      browser = new ClerkBrowser(latchkey);
      await browser.post('/client').expect(200);
      const person = await latchkey.addUser();
      const [tab, other] = tabs() as [ClerkBrowser, ClerkBrowser];
      const [signIn, forgotten] = await Promise.all([
        tab.post('/client/sign_ins', { identifier: person.email, password: PASSWORD }),
        after(round, () => other.delete('/client')),
      ]);
      expect([200, 401, 404]).toContain(forgotten.status);
      expect([200, 401]).toContain(signIn.status);
      expect(await liveSessionsOf([person])).toBe(signIn.status === 200 ? 1 : 0);
      if (signIn.status === 200) {
        expect(await tab.statusOf(signIn.body.response.created_session_id)).toBe(200);
      }
    }
  });
});

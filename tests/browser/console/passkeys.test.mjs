/**
 * Goal: an operator adds a passkey, comes back by it, and removes it, on a phone and on a desk, in both languages, by keyboard
 * too. Method: the console of a real server at `localhost`, and the browser's own virtual authenticator.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { words as en } from '../../../web/console/i18n/en.js';
import { words as ko } from '../../../web/console/i18n/ko.js';
import { DESKTOP, PHONE } from '../harness/browser.mjs';
import { hold } from '../harness/late.mjs';
import { Operator } from '../harness/operator.mjs';
import { Server } from '../harness/server.mjs';
import { browser } from '../harness/stage.mjs';

/** @param {import('../harness/server.mjs').Server} server @param {string} host */
async function linkAt(server, host) {
  const made = await server.command('operator', 'add', 'Ada', '--role', 'owner');
  const url = new URL(made.link.url.replace(/^https?:\/\/[^/]+/, server.url));
  url.hostname = host;
  return url.href;
}

for (const [size, locale, scheme] of /** @type {const} */ ([
  [PHONE, 'ko-KR', 'dark'],
  [DESKTOP, 'en-GB', 'light'],
])) {
  const w = locale === 'ko-KR' ? ko : en;
  test(`a passkey is the way in, ${size.width} px, ${locale}, ${scheme}`, async () => {
    const server = await Server.start('--demo');
    const ada = await Operator.signIn(browser, await linkAt(server, 'localhost'), { size, locale, scheme });
    const devtools = await ada.page.context().newCDPSession(ada.page);
    await devtools.send('WebAuthn.enable');
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    await ada.page.getByRole('link', { name: w.nav.sessions }).click();
    await ada.shows(w.passkeys.none);

    // Without a mouse; what is typed meanwhile stays.
    const letGo = await hold(ada.page, '**/admin/passkeys', (request) => request.method() === 'POST');
    const sent = ada.page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/passkeys'));
    await ada.page.locator('input[name=passkey]').focus();
    await ada.page.keyboard.type('My <i>phone</i>');
    await ada.page.keyboard.press('Enter');
    await sent;
    await ada.page.locator('input[name=passkey]').fill('My key');
    letGo();
    await ada.shows('My <i>phone</i>');
    assert.equal(await ada.page.locator('input[name=passkey]').inputValue(), 'My key');
    await ada.accessible('passkeys');
    await ada.fits('passkeys');
    const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId });
    assert.equal(credentials.length, 1);
    assert.equal(credentials[0].rpId, 'localhost');

    // The same authenticator has one already.
    await ada.page.locator('input[name=passkey]').fill('Another');
    await ada.page.getByRole('button', { name: w.passkeys.add }).click();
    await ada.shows(w.problems.PASSKEY_KNOWN);

    // Out, and in again without a link.
    await ada.page.getByRole('button', { name: w.signOut, exact: true }).click();
    await ada.page.getByRole('heading', { name: w.signIn.title }).waitFor();
    await ada.accessible('sign in');
    await ada.fits('sign in');
    await ada.page.getByRole('button', { name: w.signIn.passkey }).focus();
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('link', { name: w.nav.sessions }).click();
    await ada.shows(w.sessions.own);

    // Once it is removed, it opens nothing.
    await ada.page.getByRole('button', { name: w.passkeys.removeOf('My <i>phone</i>') }).click();
    await ada.shows(w.passkeys.none);
    await ada.page.getByRole('button', { name: w.signOut, exact: true }).click();
    await ada.page.getByRole('button', { name: w.signIn.passkey }).click();
    await ada.shows(w.problems.UNAUTHENTICATED);
    await ada.refused(401);
    await ada.leave();

    // At an address there is nothing to press that could not work.
    const there = await Operator.signIn(browser, await linkAt(server, '127.0.0.1'), { size, locale, scheme });
    await there.page.getByRole('link', { name: w.nav.sessions }).click();
    await there.shows(w.passkeys.unavailable);
    await there.leave();
  });
}

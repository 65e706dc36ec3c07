import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useZone } from '../lib/format';
import { follow, type FollowState } from '../admin/pages/logs/follow';
import { asHtml, parseLine, pieces } from '../admin/pages/logs/loglines';

const HOSTILE = '2026-06-01T12:00:00Z <img/src=x> "><script>alert(1)</script> account="<b>\'&</b>"';

test('whatever stands in a line is text in the page that is saved', () => {
  const html = asHtml('<title>', ['<th>'], [parseLine(HOSTILE, 1)], 'script');
  assert.ok(!/<(script|img|b)\b/i.test(html), html);
  assert.ok(html.includes('&lt;<mark>script</mark>&gt;alert(1)'));
  assert.ok(html.includes('<tr class="other">'));
  assert.ok(html.includes("default-src 'none'"));
});

test("a line's time is shown in the zone of the PBX, and what is no time as it stands", () => {
  useZone('Europe/Prague');
  assert.match(parseLine('2026-06-01T12:00:00.250Z info a b', 1).shown, /^(1 Jun, )?14:00:00\.250$/);
  assert.equal(parseLine('yesterday info a b', 1).shown, 'yesterday');
  useZone(undefined);
});

test('found words are cut out whatever their case, and nothing is lost', () => {
  const cut = pieces('Failed, FAILED, fail', 'failed');
  assert.deepEqual(cut.map((piece) => piece.hit), [true, false, true, false]);
  assert.equal(cut.map((piece) => piece.text).join(''), 'Failed, FAILED, fail');
  assert.equal(pieces('İstanbul', 'i').map((piece) => piece.text).join(''), 'İstanbul');
});

test('a stream that breaks goes on after the last line, without repeating it', async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const asked: (string | null)[] = [];
  const states: FollowState[] = [];
  const bodies = ['1 info a x\n2 info b y\n2 info b z\n', '2 info b y\n2 info b z\n2 info b new\n3 info c\n'];
  await follow(
    null,
    {
      open: async (since) => {
        asked.push(since);
        return new Response(bodies.shift() ?? '');
      },
      lines: (lines) => {
        seen.push(...lines);
        if (seen.includes('3 info c')) stop.abort();
      },
      state: (state) => states.push(state),
    },
    stop.signal,
  );
  assert.deepEqual(asked, [null, '2']);
  assert.deepEqual(seen, ['1 info a x', '2 info b y', '2 info b z', '2 info b new', '3 info c']);
  assert.ok(states.includes('waiting'));
});

test('a refusal is final', async () => {
  const states: FollowState[] = [];
  const open = async () => new Response('{}', { status: 403 });
  await follow(null, { open, lines: () => undefined, state: (state) => states.push(state) }, new AbortController().signal);
  assert.deepEqual(states, ['connecting', 'refused']);
});

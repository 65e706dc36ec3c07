import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holds, isEverybody, isWide, memberFault, parsePrefix } from '../admin/pages/address';

const prefix = (text: string) => {
  const span = parsePrefix(text);
  assert.ok(span, text);
  return span;
};

test('a prefix holds its addresses with and without a port, in either family', () => {
  assert.ok(holds(prefix('192.168.10.0/24'), '192.168.10.31:5060'));
  assert.ok(holds(prefix('192.168.10.0/24'), '[::ffff:192.168.10.255]:5061'));
  assert.ok(holds(prefix('::ffff:10.0.0.0/104'), '10.255.0.1'));
  assert.ok(holds(prefix('2001:db8::/48'), '[2001:db8:0:ffff::1]:5060'));
  assert.ok(!holds(prefix('192.168.10.0/24'), '192.168.11.0'));
  assert.ok(!holds(prefix('::/0'), '192.168.11.1'));
});

test('what is no address or has bits beyond its prefix is none', () => {
  for (const text of ['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1/24', '10.0.0.0/33', '1::2::3', ':::', '1:2:3', '10.0.0.0/8/8']) {
    assert.equal(parsePrefix(text), null, text);
  }
});

test('everybody and a large part of the Internet are told apart', () => {
  assert.ok(isEverybody(prefix('0.0.0.0/0')) && isEverybody(prefix('::/0')));
  assert.ok(isWide(prefix('10.0.0.0/7')) && !isWide(prefix('10.0.0.0/8')));
  assert.ok(isWide(prefix('2000::/3')) && !isWide(prefix('2001:db8::/32')));
});

test('members of a group are judged as the server does', () => {
  for (const text of ['10.0.0.5-10.0.0.20', '::1', '2001:db8::/48', 'host:SIP.Provider.test', 'host:a_b.test.', 'group:Inside']) {
    assert.equal(memberFault(text), null, text);
  }
  assert.equal(memberFault('10.0.0.9-10.0.0.2'), 'turned-around');
  assert.equal(memberFault('10.0.0.1-::1'), 'mixed-families');
  assert.equal(memberFault('10.0.0.1/24'), 'bits-beyond-prefix');
  for (const text of ['inside', 'host:', 'host:-bad', 'group:', '10.0.0.300', '1-2-3']) assert.equal(memberFault(text), 'not-a-member', text);
});

// Somebody who tries passwords, from an address of his own: each guess answers a challenge that he was given, so it counts.
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";

const PATIENCE_MS = 1_500;

/** Tries up to `most` wrong passwords of `account` from `from`; ends when nobody answers any more. How many were answered. */
export async function guess(server, account, from, most = 20) {
  const socket = createSocket("udp4");
  await new Promise((done) => socket.bind(0, from, done));
  const call = randomBytes(8).toString("hex");
  let sequence = 0;
  const ask = (credentials) => {
    sequence += 1;
    const lines = [
      `REGISTER sip:${server.at} SIP/2.0`,
      `Via: SIP/2.0/UDP ${from}:${socket.address().port};branch=z9hG4bK${call}${sequence};rport`,
      "Max-Forwards: 70",
      `From: <sip:${account}@${server.at}>;tag=${call}`,
      `To: <sip:${account}@${server.at}>`,
      `Call-ID: ${call}@${from}`,
      `CSeq: ${sequence} REGISTER`,
      `Contact: <sip:${account}@${from}:${socket.address().port}>`,
      "User-Agent: friendly-scanner",
      ...credentials,
      "Content-Length: 0",
    ];
    return new Promise((done) => {
      const silent = setTimeout(() => done(undefined), PATIENCE_MS);
      socket.once("message", (text) => {
        clearTimeout(silent);
        done(text.toString());
      });
      socket.send(`${lines.join("\r\n")}\r\n\r\n`, 5060, server.at);
    });
  };
  let answered = 0;
  let challenge = await ask([]);
  while (challenge && answered < most) {
    const [, realm] = challenge.match(/realm="([^"]+)"/);
    const [, nonce] = challenge.match(/nonce="([^"]+)"/);
    const response = randomBytes(16).toString("hex");
    const answer = await ask([
      `Authorization: Digest username="${account}", realm="${realm}", nonce="${nonce}", uri="sip:${server.at}", ` +
        `algorithm=MD5, qop=auth, nc=00000001, cnonce="${call}", response="${response}"`,
    ]);
    if (!answer) break;
    answered += 1;
    challenge = answer.includes("nonce=") ? answer : await ask([]);
  }
  socket.close();
  return answered;
}

// A softphone without a desk: baresip, operated by its control port (JSON in netstrings over TCP).
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { address, folder, port, until } from "./place.mjs";
import { start } from "./process.mjs";
import { sipPassword } from "./pbx.mjs";

const MODULES = "/usr/lib/baresip/modules";

/** A registered phone of extension `number`; it answers at once unless `answer` is "manual". With `heard` it lives at 127.0.0.1, from where
    its audio leaves whatever it is told: from any other address the server rightly takes none. */
export async function phone(t, server, number, { password = sipPassword(number), username = number, answer = "auto", heard = false } = {}) {
  const at = heard ? "127.0.0.1" : address();
  const [sip, control_port] = heard ? [port(), port()] : [5060, 4444];
  const path = folder(t, "phone");
  mkdirSync(join(path, "heard"));
  writeFileSync(join(path, "contacts"), "");
  writeFileSync(
    join(path, "accounts"),
    `<sip:${username}@${server.at}:5060>;auth_user=${username};auth_pass=${password};audio_codecs=PCMA/8000/1;answermode=${answer};regint=60\n`,
  );
  writeFileSync(
    join(path, "config"),
    `poll_method epoll\nsip_listen ${at}:${sip}\nnet_interface ${at}\naudio_source ausine,1000\nausrc_srate 48000\nauplay_srate 48000\n` +
      `ausrc_channels 2\nauplay_channels 2\nrtp_ports 20000-20999\nmodule_path ${MODULES}\nmodule g711.so\nmodule ausine.so\n` +
      `module sndfile.so\nsnd_path ${join(path, "heard")}\nmodule_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n` +
      `module_app ctrl_tcp.so\nctrl_tcp_listen ${at}:${control_port}\n`,
  );
  const program = start(t, "baresip", ["-4", "-f", path]);
  const control = await until(`baresip of ${number}`, () => attempt(at, control_port));
  t.after(() => control.destroy());
  const send = (command, params = "") => {
    const text = JSON.stringify({ command, params, token: "1" });
    control.write(`${text.length}:${text},`);
  };
  return { at, program, dial: (target) => send("dial", `sip:${target}@${server.at}:5060`), answer: () => send("accept"), hangUp: () => send("hangup") };
}

function attempt(host, port) {
  return new Promise((done) => {
    const socket = connect({ host, port });
    socket.on("connect", () => done(socket));
    socket.on("error", () => done(undefined));
  });
}

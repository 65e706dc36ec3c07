"""A mail server for tests (aiosmtpd): takes letters, and says each as one line of JSON on stdout.

Arguments: PORT FOLDER [CERTIFICATE KEY USER PASSWORD]. What stands in FOLDER/answer is said to every RCPT TO instead of 250;
`hang` says nothing at all."""
import asyncio
import email
import json
import pathlib
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = folder / "answer"
        if answer.exists():
            text = answer.read_text()
            if text == "hang":
                await asyncio.sleep(3600)
            return text
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content)
        text = letter.get_payload(decode=True).decode()
        said = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "text": text, "tls": session.ssl is not None,
                "id": letter["Message-ID"], "subject": str(email.header.make_header(email.header.decode_header(letter["Subject"]))),
                "headers": letter.keys()}
        print(json.dumps(said), flush=True)
        return "250 taken"


def authenticator(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (sys.argv[5].encode(), sys.argv[6].encode())
    print(json.dumps({"login": "right" if good else "wrong"}), flush=True)
    return AuthResult(success=good, handled=good)


more = {}
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    more = dict(tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticator)
Controller(Handler(), hostname="127.0.0.1", port=port, **more).start()
print("{}", flush=True)
asyncio.new_event_loop().run_forever()

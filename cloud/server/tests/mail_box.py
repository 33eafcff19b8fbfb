"""A mail server for tests: keeps what it is sent as files, and knows nobody whose address begins with "nobody"."""

from aiosmtpd.handlers import Mailbox


class Box(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 There is no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

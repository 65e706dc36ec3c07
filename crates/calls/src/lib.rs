//! Who rings, who is bridged: the exchange, joining sip and media.

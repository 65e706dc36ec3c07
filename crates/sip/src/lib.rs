//! Transactions, dialogs, registrar, authentication. Machines.

// Words of the import of extensions, and of fields that take a file.
import { count } from '../../format';

const many = (n: number) => (n === 1 ? '1 extension' : `${count(n)} extensions`);

export const imports = {
  action: 'Import',
  title: 'Import extensions',
  text: 'Many new extensions from a table, as a spreadsheet saves it (CSV). All of its rows are taken, or none.',
  table: 'Table',
  tableHelp:
    'The first line names the columns: number, and as you like description, username, password, digest, encryption, nat. Commas, semicolons or tabs separate them.',
  example: 'number,description\n201,Reception\n202,"Kitchen, ground floor"',
  note: 'User names of lines and passwords that the table does not have are made. What exists already is not changed.',
  check: 'Check the table',
  fine: (n: number) => `Nothing is wrong with it: ${many(n)} would be made.`,
  numbers: (first: string, last: string) => `From ${first} to ${last}.`,
  carryOut: (n: number) => `Make ${many(n)}`,
  refused: 'Nothing was changed. Mend these rows, and check again.',
  line: 'Line',
  column: 'Column',
  fault: 'What is wrong',
  wholeRow: 'The row',
  done: (n: number) => `${many(n)[0]?.toUpperCase()}${many(n).slice(1)} made`,
  passwords: 'Passwords that were made',
  passwordsText: 'Shown this once. Save them now; later a new one can be made for each line.',
  save: 'Save as CSV',
  extension: 'Extension',
  username: 'SIP user name',
  password: 'Password',
  toList: 'To the extensions',
  leaveTitle: 'Leave without the passwords?',
  leaveText: 'They are not saved yet and not shown again. New ones can be made for each line.',
  leave: 'Leave',
  file: 'passwords-of-new-extensions.csv',
};

export const fileText = {
  choose: 'Choose a file',
  chooseFor: (label: string) => `Choose a file: ${label}`,
  drop: 'or drop it on the text',
  tooLarge: (name: string, most: number) => `${name} has more than ${count(most)} bytes. Choose a smaller file, or cut it into parts.`,
  noText: (name: string) => `${name} is not text in UTF-8. Save it as UTF-8, and choose it again.`,
};

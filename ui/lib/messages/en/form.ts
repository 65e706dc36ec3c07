// Texts that forms share: saving, and two people at the same object.

export const form = {
  save: 'Save',
  saved: 'Saved.',
  undo: 'Undo changes',
  mendFirst: 'Mend what is marked first.',
  changedMeanwhile: 'Somebody else changed this meanwhile',
  merged: 'Their changes are in the form now, beside yours. Look at them, then save.',
  bothChanged: 'What you typed is still here, and saving keeps it. Where both of you changed the same, theirs is:',
  theirs: (field: string, value: string) => `${field}: ${value}`,
  saveKeepsYours: 'What you typed is still here; saving keeps it.',
  takeTheirs: 'Take theirs',
  empty: 'empty',
  badSpan: 'Write a number and a unit: 1500ms, 90s, 5m, 2h or 7d.',
};

// A problem in the reader's words: the server's sentence where it has one, ours for what never reached it.
import { sentence, type Problem } from './api';
import { t } from './messages/en';

export function problemText(problem: Problem): string {
  if (problem.code === 'unreachable') return t.errors.unreachable;
  if (problem.code === 'changed-meanwhile') return t.errors.changedMeanwhile;
  if (problem.code === 'not-allowed') return t.errors.notAllowed;
  return problem.message ? sentence(problem.message) : t.errors.unknown(problem.status);
}

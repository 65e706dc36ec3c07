// Light, dark, or as the system has it; kept in this browser (read before the first paint by public/theme.js).

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'ringwall.theme';

function stored(): Theme {
  const theme = document.documentElement.dataset['theme'];
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

class ThemeChoice {
  chosen = $state<Theme>(stored());

  choose(theme: Theme): void {
    this.chosen = theme;
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Storage may be forbidden: then it lasts as long as the page.
    }
  }
}

export const theme = new ThemeChoice();

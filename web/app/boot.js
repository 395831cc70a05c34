/*
 * Runs before the first paint: language, direction and theme are on the root element before anything is drawn, so that
 * nobody sees a page in the wrong language or a flash of the wrong theme. A classic script, because a module comes later.
 */
(() => {
  const languages = ['en', 'ko'];
  /** @param {string} key */
  const saved = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // Storage is blocked: the browser's own setting decides.
    }
  };
  const wanted = [saved('frontrow.language'), ...navigator.languages].map((tag) => (tag ?? '').slice(0, 2).toLowerCase());
  const language = wanted.find((tag) => languages.includes(tag)) ?? 'en';
  const root = document.documentElement;
  root.lang = language;
  root.dir = 'ltr';
  const theme = saved('frontrow.theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  // The words are fetched beside the code, not after it.
  const own = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  const preload = document.createElement('link');
  preload.rel = 'modulepreload';
  preload.href = new URL(`i18n/${language}.js`, own).href;
  document.head.append(preload);
})();

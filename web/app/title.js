/** The tab's title: what is most worth knowing while another tab is in front. */
import { useEffect } from 'preact/hooks';

/** @param {string} text */
export function useTitle(text) {
  useEffect(() => {
    document.title = text ? `${text} · Frontrow` : 'Frontrow';
  }, [text]);
}

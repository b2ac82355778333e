//! The codes of ISO 3166-1: all 249 entries, and `XK`, which the standard leaves to its users and which
//! Meta and most others use for Kosovo.
//!
//! Invariant: both tables are sorted and name the same countries (tests of `country`).

/// Alpha-2 codes in lower case, sorted.
pub(super) const ALPHA_2: [&str; 250] = [
    "ad", "ae", "af", "ag", "ai", "al", "am", "ao", "aq", "ar", "as", "at", "au", "aw", "ax", "az", "ba", "bb", "bd",
    "be", "bf", "bg", "bh", "bi", "bj", "bl", "bm", "bn", "bo", "bq", "br", "bs", "bt", "bv", "bw", "by", "bz", "ca",
    "cc", "cd", "cf", "cg", "ch", "ci", "ck", "cl", "cm", "cn", "co", "cr", "cu", "cv", "cw", "cx", "cy", "cz", "de",
    "dj", "dk", "dm", "do", "dz", "ec", "ee", "eg", "eh", "er", "es", "et", "fi", "fj", "fk", "fm", "fo", "fr", "ga",
    "gb", "gd", "ge", "gf", "gg", "gh", "gi", "gl", "gm", "gn", "gp", "gq", "gr", "gs", "gt", "gu", "gw", "gy", "hk",
    "hm", "hn", "hr", "ht", "hu", "id", "ie", "il", "im", "in", "io", "iq", "ir", "is", "it", "je", "jm", "jo", "jp",
    "ke", "kg", "kh", "ki", "km", "kn", "kp", "kr", "kw", "ky", "kz", "la", "lb", "lc", "li", "lk", "lr", "ls", "lt",
    "lu", "lv", "ly", "ma", "mc", "md", "me", "mf", "mg", "mh", "mk", "ml", "mm", "mn", "mo", "mp", "mq", "mr", "ms",
    "mt", "mu", "mv", "mw", "mx", "my", "mz", "na", "nc", "ne", "nf", "ng", "ni", "nl", "no", "np", "nr", "nu", "nz",
    "om", "pa", "pe", "pf", "pg", "ph", "pk", "pl", "pm", "pn", "pr", "ps", "pt", "pw", "py", "qa", "re", "ro", "rs",
    "ru", "rw", "sa", "sb", "sc", "sd", "se", "sg", "sh", "si", "sj", "sk", "sl", "sm", "sn", "so", "sr", "ss", "st",
    "sv", "sx", "sy", "sz", "tc", "td", "tf", "tg", "th", "tj", "tk", "tl", "tm", "tn", "to", "tr", "tt", "tv", "tw",
    "tz", "ua", "ug", "um", "us", "uy", "uz", "va", "vc", "ve", "vg", "vi", "vn", "vu", "wf", "ws", "xk", "ye", "yt",
    "za", "zm", "zw",
];

/// Alpha-3 code followed by the alpha-2 code, in lower case, sorted.
pub(super) const ALPHA_3_THEN_2: [&str; 250] = [
    "abwaw", "afgaf", "agoao", "aiaai", "alaax", "albal", "andad", "areae", "argar", "armam", "asmas", "ataaq",
    "atftf", "atgag", "ausau", "autat", "azeaz", "bdibi", "belbe", "benbj", "besbq", "bfabf", "bgdbd", "bgrbg",
    "bhrbh", "bhsbs", "bihba", "blmbl", "blrby", "blzbz", "bmubm", "bolbo", "brabr", "brbbb", "brnbn", "btnbt",
    "bvtbv", "bwabw", "cafcf", "canca", "cckcc", "chech", "chlcl", "chncn", "civci", "cmrcm", "codcd", "cogcg",
    "cokck", "colco", "comkm", "cpvcv", "cricr", "cubcu", "cuwcw", "cxrcx", "cymky", "cypcy", "czecz", "deude",
    "djidj", "dmadm", "dnkdk", "domdo", "dzadz", "ecuec", "egyeg", "erier", "esheh", "espes", "estee", "ethet",
    "finfi", "fjifj", "flkfk", "frafr", "frofo", "fsmfm", "gabga", "gbrgb", "geoge", "ggygg", "ghagh", "gibgi",
    "gingn", "glpgp", "gmbgm", "gnbgw", "gnqgq", "grcgr", "grdgd", "grlgl", "gtmgt", "gufgf", "gumgu", "guygy",
    "hkghk", "hmdhm", "hndhn", "hrvhr", "htiht", "hunhu", "idnid", "imnim", "indin", "iotio", "irlie", "irnir",
    "irqiq", "islis", "isril", "itait", "jamjm", "jeyje", "jorjo", "jpnjp", "kazkz", "kenke", "kgzkg", "khmkh",
    "kirki", "knakn", "korkr", "kwtkw", "laola", "lbnlb", "lbrlr", "lbyly", "lcalc", "lieli", "lkalk", "lsols",
    "ltult", "luxlu", "lvalv", "macmo", "mafmf", "marma", "mcomc", "mdamd", "mdgmg", "mdvmv", "mexmx", "mhlmh",
    "mkdmk", "mliml", "mltmt", "mmrmm", "mneme", "mngmn", "mnpmp", "mozmz", "mrtmr", "msrms", "mtqmq", "musmu",
    "mwimw", "mysmy", "mytyt", "namna", "nclnc", "nerne", "nfknf", "ngang", "nicni", "niunu", "nldnl", "norno",
    "nplnp", "nrunr", "nzlnz", "omnom", "pakpk", "panpa", "pcnpn", "perpe", "phlph", "plwpw", "pngpg", "polpl",
    "pripr", "prkkp", "prtpt", "prypy", "pseps", "pyfpf", "qatqa", "reure", "rouro", "rusru", "rwarw", "sausa",
    "sdnsd", "sensn", "sgpsg", "sgsgs", "shnsh", "sjmsj", "slbsb", "slesl", "slvsv", "smrsm", "somso", "spmpm",
    "srbrs", "ssdss", "stpst", "sursr", "svksk", "svnsi", "swese", "swzsz", "sxmsx", "sycsc", "syrsy", "tcatc",
    "tcdtd", "tgotg", "thath", "tjktj", "tkltk", "tkmtm", "tlstl", "tonto", "ttott", "tuntn", "turtr", "tuvtv",
    "twntw", "tzatz", "ugaug", "ukrua", "umium", "uryuy", "usaus", "uzbuz", "vatva", "vctvc", "venve", "vgbvg",
    "virvi", "vnmvn", "vutvu", "wlfwf", "wsmws", "xkxxk", "yemye", "zafza", "zmbzm", "zwezw",
];

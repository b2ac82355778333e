import json as standard
import unittest

from enroute_sdk import ABSENT, NULL, Malformed, Table, Value, json
from enroute_sdk.testing import pack


class CellsTest(unittest.TestCase):
    def test_cells_are_cut_by_bytes_whatever_the_characters(self):
        for row in (["a", "", "bc"], ["é", "漢字", "🦀", "z"], ["\ufeffa", "e\u0301"]):
            table = Table(pack(len(row), [row]), len(row), 1)
            self.assertEqual([table.value(0, column).text for column in range(len(row))], row)

    def test_kinds_stay_what_they_were(self):
        row = [ABSENT, None, False, True, Value("number", "450.0"), "text", [1, 2]]
        table = Table(pack(7, [row]), 7, 1)
        seen = [table.value(0, column) for column in range(7)]
        self.assertEqual([one.kind for one in seen], ["absent", "null", "bool", "bool", "number", "text", "json"])
        self.assertEqual([one.scalar for one in seen], [None, None, "false", "true", "450.0", "text", None])
        self.assertTrue(table.value(0, 7).is_absent and table.value(1, 0).is_absent)

    def test_true_and_false_are_read_where_there_is_no_doubt(self):
        def flags(*values):
            return [Value(kind, raw).flag for kind, raw in values]

        yes = flags(("bool", "true"), ("number", "1"), ("number", "1.0"), ("text", " TRUE"), ("text", "1"))
        self.assertEqual(yes, [True] * 5)
        no = flags(("bool", "false"), ("number", "0"), ("number", "0.0"), ("text", "false"))
        self.assertEqual(no, [False] * 4)
        none = flags(("text", "yes"), ("text", ""), ("number", "2"), ("number", "1.5"), ("json", "[1]"), ("null", ""))
        self.assertEqual(none, [None] * 6)

    def test_a_table_that_does_not_add_up_is_refused(self):
        Table(pack(1, [["é"], ["x"]]), 1, 2)
        changes = ({"columns": 2}, {"kinds": b"\5"}, {"kinds": b"\5\7"}, {"ends": [1, 3]}, {"ends": [2, 1]}, {"ends": [2, 4]})
        for change in changes:
            cells = pack(1, [["é"], ["x"]])
            for name, value in change.items():
                setattr(cells, name, value)
            with self.assertRaises(Malformed):
                Table(cells, 1, 2)


class JsonTest(unittest.TestCase):
    def test_numbers_keep_every_digit(self):
        for digits in ("450.0", "-0", "18446744073709551616", "1e400", "0.1000000000000000055511151231257827"):
            self.assertEqual(json.write(Value("number", digits)), digits)
        self.assertEqual(json.write(2**64), "18446744073709551616")
        with self.assertRaises(TypeError):
            json.write(0.5)

    def test_texts_read_back_as_they_were(self):
        for text in ("", '"\\/\n\0', "é 漢 🦀", "🦀" * 40_000):
            self.assertEqual(standard.loads(json.write(text)), text)
            self.assertEqual(standard.loads(json.write(Value("text", text))), text)

    def test_an_object_has_its_members_in_order_each_once(self):
        members = [("b", NULL), ("1", True), ("a", [1, "x"]), ("o", json.object([("n", json.Raw("1.0"))]))]
        self.assertEqual(json.object(members).text, '{"b":null,"1":true,"a":[1,"x"],"o":{"n":1.0}}')
        self.assertEqual(json.object([]).text, "{}")
        with self.assertRaises(ValueError):
            json.object([("a", 1), ("a", 2)])


if __name__ == "__main__":
    unittest.main()

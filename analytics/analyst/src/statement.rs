//! Which statements are allowed: one SELECT over the tables there are. Judged on the parsed statement, before polars
//! sees it; polars itself is built without the functions that open a path.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use nhip_proto::{AnalystCode, AnalystRefusal, STATEMENT_BYTES_MAX};
use sqlparser::ast::{
    Ident, ObjectName, Query, Select, SetExpr, Statement, TableFactor, Visit as _, Visitor,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserOptions};

use crate::tables::Table;

/// The tables a statement reads, if it is one that is allowed.
///
/// # Errors
/// A refusal that says what is wrong and what is allowed.
pub fn judge(sql: &str) -> Result<BTreeSet<Table>, AnalystRefusal> {
    if sql.len() > STATEMENT_BYTES_MAX {
        let length = sql.len();
        return Err(refused(format!("the statement has {length} bytes, allowed are {STATEMENT_BYTES_MAX}")));
    }
    let statement = parsed(sql)?;
    let mut tables = BTreeSet::new();
    match &statement {
        Statement::ShowTables { .. } => return Ok(tables),
        Statement::Query(_) => {}
        _ => {
            return Err(refused(
                "only SELECT, WITH … SELECT and SHOW TABLES are allowed: nothing can be changed here",
            ));
        }
    }
    let mut names = CommonTables(BTreeSet::new());
    if statement.visit(&mut names).is_break() {
        return Err(refused("the statement cannot be read"));
    }
    let mut judge = Judge { common: names.0, tables: &mut tables };
    match statement.visit(&mut judge) {
        ControlFlow::Continue(()) => Ok(tables),
        ControlFlow::Break(why) => Err(refused(why)),
    }
}

/// The one statement, by the parser, the dialect and the options polars uses.
fn parsed(sql: &str) -> Result<Statement, AnalystRefusal> {
    let options = ParserOptions { trailing_commas: true, ..ParserOptions::default() };
    let mut parser = Parser::new(&GenericDialect).with_options(options);
    parser = parser.try_with_sql(sql).map_err(|error| refused(error.to_string()))?;
    let mut statements = parser.parse_statements().map_err(|error| refused(error.to_string()))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => Err(refused("there is no statement: write one SELECT")),
        _ => Err(refused("one statement at a time")),
    }
}

fn refused(message: impl Into<String>) -> AnalystRefusal {
    AnalystRefusal { code: AnalystCode::Statement, message: message.into() }
}

/// Why a statement is not allowed; small, as it is handed up through every level.
type Why = Box<str>;

/// The names a statement gives to queries of its own.
struct CommonTables(BTreeSet<String>);

impl Visitor for CommonTables {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0.extend(with.map(|table| table.alias.name.value.clone()));
        ControlFlow::Continue(())
    }
}

struct Judge<'a> {
    common: BTreeSet<String>,
    tables: &'a mut BTreeSet<Table>,
}

impl Judge<'_> {
    /// A relation is one of our tables, or a query of the statement.
    fn relation(&mut self, name: &ObjectName) -> Result<(), String> {
        let unknown = || {
            let known = Table::ALL.map(Table::as_str).join(", ");
            format!("there is no table {name}: there are {known}; files and paths cannot be named")
        };
        let [part] = name.0.as_slice() else { return Err(unknown()) };
        let Ident { value, .. } = part.as_ident().ok_or_else(unknown)?;
        if self.common.contains(value) {
            return Ok(());
        }
        let table = Table::ALL.into_iter().find(|table| table.as_str() == value).ok_or_else(unknown)?;
        self.tables.insert(table);
        Ok(())
    }
}

impl Visitor for Judge<'_> {
    type Break = Why;

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Self::Break> {
        broken(self.relation(relation))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        broken(match factor {
            TableFactor::Table { name, args: Some(_), .. } => Err(format!(
                "{name}(…) is a table function; none is allowed: files and paths cannot be named"
            )),
            TableFactor::Table { with_hints, version, partitions, json_path, sample, .. } => {
                let plain = with_hints.is_empty() && version.is_none() && partitions.is_empty();
                let plain = plain && json_path.is_none() && sample.is_none();
                plain.then_some(()).ok_or_else(|| "a table is named by its name alone".to_owned())
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => Ok(()),
            _ => {
                Err("FROM takes tables, queries in brackets and joins of them; no function is allowed there"
                    .to_owned())
            }
        })
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let only_read = query.locks.is_empty() && query.pipe_operators.is_empty();
        broken(match query.body.as_ref() {
            body if !reads(body) => Err("only SELECT is allowed: nothing can be changed here".to_owned()),
            _ if !only_read => Err("locks and pipes are not known here".to_owned()),
            _ => Ok(()),
        })
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        broken(match &select.into {
            Some(_) => Err("SELECT … INTO is not allowed: nothing can be changed here".to_owned()),
            None => Ok(()),
        })
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<Self::Break> {
        broken(match statement {
            Statement::Query(_) => Ok(()),
            _ => Err("only SELECT is allowed: nothing can be changed here".to_owned()),
        })
    }
}

fn reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => true,
        SetExpr::SetOperation { left, right, .. } => reads(left) && reads(right),
        _ => false,
    }
}

fn broken(judged: Result<(), String>) -> ControlFlow<Why> {
    judged.map_or_else(|why| ControlFlow::Break(why.into()), ControlFlow::Continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sql: &str) -> String {
        judge(sql).expect_err(sql).message
    }

    #[test]
    fn selects_over_the_tables_are_read() {
        let figures = BTreeSet::from([Table::Figures]);
        for sql in [
            "SELECT * FROM figures",
            "select area, avg(value) from \"figures\" group by area having count(*) > 1 order by 2 limit 3;",
            "WITH daily AS (SELECT area FROM figures) SELECT * FROM daily d JOIN daily e ON d.area = e.area",
            "SELECT * FROM (SELECT area FROM figures) UNION ALL SELECT area FROM figures",
            "SELECT * FROM figures WHERE area IN (SELECT area FROM figures)",
        ] {
            assert_eq!(judge(sql), Ok(figures.clone()), "{sql}");
        }
        let both = judge("SELECT 1 FROM revisions r, records WHERE r.k > 0").expect("allowed");
        assert_eq!(both, BTreeSet::from([Table::Revisions, Table::Records]));
        assert_eq!(judge("SHOW TABLES"), Ok(BTreeSet::new()));
    }

    #[test]
    fn no_path_can_be_named_wherever_it_stands() {
        for path in [
            "'/etc/passwd'",
            "\"/etc/passwd\"",
            "`/etc/passwd`",
            "'../keys/a.parquet'",
            "\"series/x.parquet\"",
        ] {
            for sql in [
                format!("SELECT * FROM {path}"),
                format!("SELECT * FROM figures, {path}"),
                format!("SELECT * FROM figures f JOIN {path} p ON f.k = p.k"),
                format!("SELECT * FROM (SELECT * FROM {path}) q"),
                format!("WITH c AS (SELECT * FROM {path}) SELECT * FROM c"),
                format!("SELECT * FROM figures WHERE area IN (SELECT area FROM {path})"),
                format!("SELECT (SELECT max(k) FROM {path}) FROM figures"),
                format!("SELECT * FROM figures UNION SELECT * FROM {path}"),
                format!("SELECT * FROM figures WHERE EXISTS (SELECT 1 FROM {path})"),
                format!("SELECT * FROM figures ORDER BY (SELECT 1 FROM {path})"),
            ] {
                assert!(judge(&sql).is_err(), "{sql}");
            }
        }
        for function in
            ["read_csv", "READ_CSV", "read_parquet", "read_ipc", "read_json", "scan_parquet", "glob"]
        {
            for sql in [
                format!("SELECT * FROM {function}('/etc/passwd')"),
                format!("SELECT * FROM figures JOIN {function}('../../etc/passwd') USING (area)"),
                format!("WITH c AS (SELECT * FROM {function}('/etc/passwd')) SELECT * FROM c"),
                format!("SELECT * FROM TABLE({function}('/etc/passwd'))"),
                format!("SELECT * FROM LATERAL {function}('/etc/passwd')"),
                format!("SELECT * FROM figures WHERE k = (SELECT count(*) FROM {function}('/etc/passwd'))"),
                format!("SELECT * FROM \"{function}\"('/etc/passwd')"),
            ] {
                assert!(judge(&sql).is_err(), "{sql}");
            }
        }
    }

    #[test]
    fn nothing_can_be_changed() {
        for sql in [
            "CREATE TABLE t AS SELECT * FROM figures",
            "DROP TABLE figures",
            "DELETE FROM figures",
            "TRUNCATE TABLE figures",
            "INSERT INTO figures SELECT * FROM figures",
            "UPDATE figures SET k = 1",
            "SELECT * INTO t FROM figures",
            "WITH c AS (DELETE FROM figures RETURNING *) SELECT * FROM c",
            "COPY figures TO '/tmp/x'",
            "COPY figures FROM '/etc/passwd'",
            "EXPLAIN SELECT * FROM figures",
            "SET x = 1",
            "ATTACH DATABASE '/etc/passwd' AS p",
            "SELECT * FROM figures FOR UPDATE",
            "TABLE figures",
            "SELECT 1 FROM figures; DROP TABLE figures",
            "",
            ";",
            "SELECT FROM WHERE",
        ] {
            assert!(judge(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn a_refusal_says_what_there_is() {
        let want = "there is no table figure: there are figures, revisions, records; files and paths cannot be named";
        assert_eq!(message("SELECT * FROM figure"), want);
        assert!(message("SELECT * FROM main.figures").starts_with("there is no table main.figures"));
        let long = format!("SELECT '{}' FROM figures", "x".repeat(STATEMENT_BYTES_MAX));
        assert!(message(&long).ends_with("allowed are 16384"), "{}", message(&long));
        assert!(
            message("SELECT 1 FROM read_csv('/etc/passwd')").starts_with("read_csv(…) is a table function")
        );
    }

    /// As deep as the bound on its length lets it be.
    #[test]
    fn a_deep_statement_is_read_or_refused_and_nothing_overflows() {
        let sum = format!("SELECT {}1 FROM figures", "1+".repeat(8_000));
        assert!(judge(&sum).is_ok());
        let brackets = format!("SELECT {}1{} FROM figures", "(".repeat(8_000), ")".repeat(8_000));
        assert!(judge(&brackets).is_err());
        let nots = format!("SELECT {}true FROM figures", "not ".repeat(4_000));
        drop(judge(&nots));
    }
}

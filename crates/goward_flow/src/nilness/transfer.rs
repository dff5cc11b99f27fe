//! What the steps and edges of a function do to what is known of its maps.

use std::rc::Rc;

use goward_syntax::{
    AssignOperator, Expression, NodeId, NodeKind, Specification, Statement, UnaryOperator,
};
use goward_types::{
    ObjectId, ObjectKind, Type, TypeId, TypeKind, TypedFile, TypedPackage, VariableKind, World,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee, unparenthesized};
use crate::graph::{BlockId, Edge, EdgeKind, Step};
use crate::nilness::place::Element;
use crate::nilness::{Fact, Known, NilReason, Nilness, Place, Summary};
use crate::solver::Analysis;
use crate::unit::{Unit, UnitId, Units};

/// How deep fields of fields are followed when a struct is made.
const FIELD_DEPTH: usize = 2;
/// A state with more places than this forgets new ones: memory stays bounded.
const MAX_PLACES: usize = 64;

/// What is known, place by place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(super) facts: Vec<(Place, Fact)>,
    /// Maps that are nil where something went wrong, with the error or bool that tells: nil where the
    /// error is not nil, or the bool false. Or maps that are not nil where the bool is true.
    pub(super) told: Vec<(ObjectId, Place, Fact)>,
}

impl State {
    pub(super) fn get(&self, place: &Place) -> Option<Fact> {
        self.facts
            .iter()
            .find(|entry| entry.0 == *place)
            .map(|entry| entry.1)
    }

    pub(super) fn set(&mut self, place: Place, fact: Fact) {
        match self.facts.iter().position(|entry| entry.0 == place) {
            Some(known) => self.facts[known].1 = fact,
            None if self.facts.len() < MAX_PLACES => self.facts.push((place, fact)),
            None => {}
        }
    }

    /// Forgets a place and all that is reached through it.
    pub(super) fn forget(&mut self, place: &Place) {
        self.facts.retain(|(known, _)| !known.starts_with(place));
        self.told.retain(|(_, known, _)| !known.starts_with(place));
        if place.elements.is_empty() {
            self.facts.retain(|(known, _)| !known.mentions(place.root));
            self.told
                .retain(|(by, known, _)| *by != place.root && !known.mentions(place.root));
        }
    }

    /// What the error or bool beside a map tells: it went well, or not.
    pub(super) fn learn_outcome(&mut self, by: ObjectId, well: bool) {
        for (_, place, fact) in self.told.clone().into_iter().filter(|told| told.0 == by) {
            if fact.nilness == Nilness::NonNil {
                // An element was found, so that the map is there; if none was, nobody knows.
                if well {
                    self.set(place, fact);
                }
                continue;
            }
            match self.get(&place) {
                // What the test before it left open.
                Some(known) if well && known.made == fact.made => {
                    self.facts.retain(|entry| entry.0 != place);
                }
                None if !well => self.set(place, fact),
                _ => {}
            }
        }
    }

    /// Forgets what is reached through a place, but not the place itself.
    pub(super) fn forget_below(&mut self, place: &Place) {
        self.facts
            .retain(|(known, _)| known == place || !known.starts_with(place));
    }

    pub(super) fn join(&mut self, other: &State) -> bool {
        let before = self.clone();
        for (place, fact) in &mut self.facts {
            use Nilness::{Maybe, Nil, NonNil, Written};
            let there = other.get(place);
            *fact = match (fact.nilness, there.map(|fact| fact.nilness)) {
                (Nil, Some(Nil | Written))
                | (NonNil, Some(NonNil | Written))
                | (Written, Some(Written)) => *fact,
                (Written, Some(_)) => there.unwrap_or(*fact),
                (NonNil | Written, None) => Fact {
                    made: UNKNOWN,
                    ..*fact
                },
                (NonNil, Some(_)) => Fact {
                    nilness: Maybe,
                    ..there.unwrap_or(*fact)
                },
                (Nil | Maybe, _) => Fact {
                    nilness: Maybe,
                    ..*fact
                },
            };
        }
        // Not nil here and unknown there: unknown.
        self.facts.retain(|(_, fact)| fact.made != UNKNOWN);
        for (place, fact) in &other.facts {
            if before.get(place).is_none() && matches!(fact.nilness, Nilness::Nil | Nilness::Maybe)
            {
                self.set(
                    place.clone(),
                    Fact {
                        nilness: Nilness::Maybe,
                        ..*fact
                    },
                );
            }
        }
        self.told.retain(|told| other.told.contains(told));
        *self != before
    }
}

/// Marks a fact that is to be forgotten.
const UNKNOWN: NodeId = NodeId(u32::MAX);

/// The analysis of one function.
pub(crate) struct MapNilness<'a> {
    pub(super) package: &'a TypedPackage<'a>,
    pub(super) units: &'a Units,
    pub(super) known: Known<'a>,
    pub(super) unit_id: UnitId,
    pub(super) unit: &'a Unit,
    pub(super) file: &'a TypedFile<'a>,
    /// Variables that are assigned in function literals that may run at any time.
    pub(super) untracked: Rc<FxHashSet<ObjectId>>,
}

impl<'a> MapNilness<'a> {
    pub(crate) fn new(
        package: &'a TypedPackage<'a>,
        units: &'a Units,
        known: Known<'a>,
        unit_id: UnitId,
    ) -> MapNilness<'a> {
        let unit = units.get(unit_id);
        let file = &package.files[unit.file];
        let mut analysis = MapNilness {
            package,
            units,
            known,
            unit_id,
            unit,
            file,
            untracked: Rc::default(),
        };
        analysis.untracked = known.untracked.of(unit_id, || {
            // Nothing else than literals and addresses makes a variable change so.
            let may_have_some = unit.nodes.iter().any(|&(node, _)| {
                matches!(
                    file.tree.kind(node),
                    NodeKind::FuncLit | NodeKind::UnaryExpr
                )
            });
            let mut found = FxHashSet::default();
            if may_have_some {
                analysis.find_untracked(unit.body, false, &mut found);
            }
            found
        });
        analysis
    }

    pub(super) fn world(&self) -> &'a World {
        self.package.world
    }

    /// Whether there is an index expression, a call or a literal at all.
    pub(crate) fn mentions_maps(&self) -> bool {
        self.unit.nodes.iter().any(|&(node, _)| {
            matches!(
                self.file.tree.kind(node),
                NodeKind::FuncLit
                    | NodeKind::IndexExpr
                    | NodeKind::CallExpr
                    | NodeKind::CompositeLit
            )
        })
    }

    pub(super) fn place(&self, node: NodeId) -> Option<Place> {
        let place = self.through_pointers(Place::of(self.world(), self.file, node)?);
        (!self.untracked.contains(&place.root)).then_some(place)
    }

    pub(super) fn is_map(&self, id: TypeId) -> bool {
        self.world().underlying(id).kind() == TypeKind::Map
    }

    pub(super) fn is_map_node(&self, node: NodeId) -> bool {
        self.is_map(self.file.facts.type_of(node))
            || self.known.shapes.is_map(self.world(), self.file, node)
    }

    /// Whether a value is a map, as far as its type tells, or may be one, where that is unknown.
    pub(super) fn may_be_map(&self, node: NodeId) -> bool {
        let value_type = self.file.facts.type_of(node);
        self.is_map(value_type) || !value_type.is_known()
    }

    pub(super) fn is_nil_node(&self, node: NodeId) -> bool {
        let node = unparenthesized(self.file, node);
        self.file.tree.kind(node) == NodeKind::Ident
            && self
                .file
                .facts
                .object_of(node)
                .is_some_and(|object| self.world().object(object).kind == ObjectKind::Nil)
    }

    /// Makes the maps in the zero value of a type nil at `place`.
    fn zero(
        &self,
        state: &mut State,
        place: &Place,
        id: TypeId,
        reason: NilReason,
        made: NodeId,
        depth: usize,
    ) {
        match self.world().get(self.world().underlying(id)) {
            Type::Map { .. } => state.set(
                place.clone(),
                Fact {
                    nilness: Nilness::Nil,
                    reason,
                    made,
                },
            ),
            Type::Struct(structure) if depth < FIELD_DEPTH => {
                for &field in &structure.fields {
                    let inner =
                        place.with(Element::Field(crate::calls::origin(self.world(), field)));
                    let field_type = self.world().object_type(field);
                    self.zero(
                        state,
                        &inner,
                        field_type,
                        NilReason::FieldLeftOut,
                        made,
                        depth + 1,
                    );
                }
            }
            _ => {}
        }
    }

    /// Variables around a literal that are declared without a value and never get one.
    fn captured(&self, state: &mut State) {
        let Some(parent) = self.unit.parent.filter(|_| self.unit.is_literal()) else {
            return;
        };
        let world = self.world();
        let tree = self.file.tree;
        let own = tree.span(self.unit.node);
        let around = self.units.get(self.units.outermost(parent));
        for node in tree.preorder(self.unit.body) {
            if tree.kind(node) != NodeKind::Ident {
                continue;
            }
            let Some(object) = self.file.facts.object_of(node) else {
                continue;
            };
            let entry = world.object(object);
            let place = Place::variable(object);
            let never_set = self.known.variables.get(object).is_some_and(|known| {
                known.zero && known.values.is_empty() && !known.other && !known.address_taken
            });
            if entry.kind != ObjectKind::Variable(VariableKind::Local)
                || own.contains(entry.offset)
                || !never_set
                || !self.is_map(world.object_type(object))
                || state.get(&place).is_some()
            {
                continue;
            }
            let declared = tree.preorder(around.body).find(|&below| {
                tree.kind(below) == NodeKind::Ident && tree.span(below).start == entry.offset
            });
            if let Some(made) = declared {
                let declared = world.object_type(object);
                self.zero(state, &place, declared, NilReason::Declared, made, 0);
            }
        }
    }

    /// Gives `place` the value of an expression, which is read in the state `before`, where other
    /// places are set together with this one.
    fn assign(&self, state: &mut State, before: Option<&State>, place: &Place, value: NodeId) {
        let value = unparenthesized(self.file, value);
        // What the value is must be read before the place is forgotten: `m = m`.
        let copied = self.copied_facts(before.unwrap_or(state), place, value);
        // Under a second name, what was found in the map shows that it is there.
        if let Some(source) = self.place(value) {
            state.facts.retain(|(known, fact)| {
                fact.reason != NilReason::NotDecoded || !known.starts_with(&source)
            });
        }
        self.share(state, value);
        state.forget(place);
        for (place, fact) in copied {
            state.set(place, fact);
        }
        let tree = self.file.tree;
        let value_type = self.file.facts.type_of(value);
        if self.is_nil_node(value) {
            if self.place_is_map(place) {
                let reason = NilReason::Assigned;
                state.set(
                    place.clone(),
                    Fact {
                        nilness: Nilness::Nil,
                        reason,
                        made: value,
                    },
                );
            }
            return;
        }
        let made_not_nil = Fact {
            nilness: Nilness::NonNil,
            reason: NilReason::Assigned,
            made: value,
        };
        match tree.expression(value) {
            Expression::CompositeLiteral { .. } if self.may_be_map(value) => {
                state.set(place.clone(), made_not_nil)
            }
            Expression::CompositeLiteral { .. } => self.assign_literal(state, place, value, 0),
            // `*new(T)` is a value of its own.
            Expression::Star { operand } => {
                if let Expression::Call {
                    function,
                    arguments: &[made],
                    ..
                } = tree.expression(unparenthesized(self.file, operand))
                    && callee(self.world(), self.file, function) == Callee::Builtin("new")
                    && let Some(fact) = self.file.facts.get(made)
                    && fact.mode == goward_types::Mode::TypeExpression
                {
                    self.zero(state, place, fact.expression_type, NilReason::New, value, 0);
                }
            }
            Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } => {
                let operand = unparenthesized(self.file, operand);
                if tree.kind(operand) == NodeKind::CompositeLit {
                    self.assign_literal(state, place, operand, 0);
                }
            }
            Expression::Call {
                function,
                arguments,
                ..
            } => match callee(self.world(), self.file, function) {
                Callee::Builtin("make") if self.may_be_map(value) => {
                    state.set(place.clone(), made_not_nil)
                }
                Callee::Builtin("new") => {
                    if let [made] = arguments
                        && let Some(fact) = self.file.facts.get(*made)
                        && fact.mode == goward_types::Mode::TypeExpression
                    {
                        self.zero(state, place, fact.expression_type, NilReason::New, value, 0);
                    }
                }
                Callee::Conversion => {
                    if let [converted] = arguments
                        && self.is_map(value_type)
                        && self.is_nil_node(*converted)
                    {
                        let reason = NilReason::Assigned;
                        state.set(
                            place.clone(),
                            Fact {
                                nilness: Nilness::Nil,
                                reason,
                                made: value,
                            },
                        );
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Forgets what is behind a pointer that is copied, by itself or within a literal.
    fn share(&self, state: &mut State, value: NodeId) {
        let value = unparenthesized(self.file, value);
        match self.file.tree.expression(value) {
            Expression::CompositeLiteral { elements, .. } => {
                for &element in elements {
                    match self.file.tree.expression(element) {
                        Expression::KeyValue { value, .. } => self.share(state, value),
                        _ => self.share(state, element),
                    }
                }
            }
            Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } if self.file.tree.kind(operand) == NodeKind::CompositeLit => {
                self.share(state, operand);
            }
            _ => {
                if let Some(place) = self.place(value)
                    && self.shares_memory(self.file.facts.type_of(value))
                {
                    state.forget_below(&place);
                }
            }
        }
    }

    /// Whether the place that `nil` is assigned to holds a map.
    fn place_is_map(&self, place: &Place) -> bool {
        let world = self.world();
        let may_be = |id: TypeId| self.is_map(id) || !id.is_known();
        match place.elements.last() {
            None => may_be(world.object_type(place.root)),
            Some(Element::Field(field)) => may_be(world.object_type(*field)),
            Some(Element::Name(_)) => true,
            Some(Element::Index(..)) => false,
        }
    }

    /// Facts that come with a value: those of another place, or of what a function returns.
    fn copied_facts(&self, state: &State, place: &Place, value: NodeId) -> Vec<(Place, Fact)> {
        let source = match self.file.tree.expression(value) {
            Expression::Call {
                function,
                arguments,
                ..
            } => {
                match callee(self.world(), self.file, function) {
                    Callee::Function(object) => {
                        if let Some(fact) = self.returned(object, 0, value, false) {
                            return vec![(place.clone(), fact)];
                        }
                        let name = self.world().object(object);
                        let is_clone = name.name.as_str() == "Clone"
                            && name.package.is_some_and(|package| {
                                self.world().package(package).path.as_str() == "maps"
                            });
                        // A clone of a nil map is nil.
                        let [argument] = arguments else {
                            return Vec::new();
                        };
                        if !is_clone {
                            return Vec::new();
                        }
                        self.place(*argument)
                    }
                    _ => None,
                }
            }
            Expression::Unary {
                operator: UnaryOperator::Address,
                ..
            } => None,
            _ => self.place(value),
        };
        let Some(source) = source else {
            return Vec::new();
        };
        // Through a second pointer the maps may change without a sign.
        if self.shares_memory(self.file.facts.type_of(value)) {
            return Vec::new();
        }
        let below = state
            .facts
            .iter()
            .filter(|(known, _)| known.starts_with(&source));
        below
            .map(|(known, fact)| {
                let mut elements = place.elements.clone();
                elements.extend_from_slice(&known.elements[source.elements.len()..]);
                (
                    Place {
                        root: place.root,
                        elements,
                    },
                    *fact,
                )
            })
            .collect()
    }

    /// What a function does with maps, also one of another package.
    pub(super) fn summary_of(&self, function: ObjectId) -> Option<&Summary> {
        let own = self.known.summaries.get(&function);
        own.or_else(|| Some(&self.package.imported_body(function)?.maps))
    }

    /// What a call of a function of the package gives as its result number `index`. `dropped`: the
    /// error beside it is not looked at.
    pub(super) fn returned(
        &self,
        function: ObjectId,
        index: usize,
        call: NodeId,
        dropped: bool,
    ) -> Option<Fact> {
        let summary = self.summary_of(function)?;
        let &(without_error, with_error) = summary.returns_nil.get(index)?;
        // What a function of another package gives for constants its callers may know.
        let own = self.known.summaries.contains_key(&function);
        let without_error = without_error && (own || !self.is_given_constants_only(call));
        (without_error || (dropped && with_error)).then_some(Fact {
            nilness: Nilness::Maybe,
            reason: NilReason::Returned(function),
            made: call,
        })
    }

    /// Whether a call has arguments, and all of them are constants.
    fn is_given_constants_only(&self, call: NodeId) -> bool {
        let call = unparenthesized(self.file, call);
        let Expression::Call { arguments, .. } = self.file.tree.expression(call) else {
            return false;
        };
        let constant = |argument: &NodeId| {
            let fact = self.file.facts.get(*argument);
            fact.is_some_and(|fact| fact.value.is_some()) || self.is_nil_node(*argument)
        };
        !arguments.is_empty() && arguments.iter().all(constant)
    }

    fn assign_literal(&self, state: &mut State, place: &Place, literal: NodeId, depth: usize) {
        let tree = self.file.tree;
        let world = self.world();
        let Expression::CompositeLiteral { elements, .. } = tree.expression(literal) else {
            return;
        };
        let mut literal_type = world.underlying(self.file.facts.type_of(literal));
        if let Type::Pointer { base } = world.get(literal_type) {
            literal_type = world.underlying(base);
        }
        let Type::Struct(structure) = world.get(literal_type) else {
            return;
        };
        let keyed = elements
            .iter()
            .all(|&element| tree.kind(element) == NodeKind::KeyValueExpr);
        if !keyed || depth >= FIELD_DEPTH {
            return;
        }
        let mut given = FxHashMap::default();
        for &element in elements {
            if let Expression::KeyValue { key, value } = tree.expression(element)
                && let Some(field) = self.file.facts.object_of(key)
            {
                given.insert(crate::calls::origin(world, field), value);
            }
        }
        for &field in &structure.fields {
            let field_object = crate::calls::origin(world, field);
            let inner = place.with(Element::Field(field_object));
            match given.get(&field_object) {
                Some(&value) => {
                    let inner_value = unparenthesized(self.file, value);
                    if tree.kind(inner_value) == NodeKind::CompositeLit
                        && !self.is_map_node(inner_value)
                    {
                        self.assign_literal(state, &inner, inner_value, depth + 1);
                    } else {
                        self.assign(state, None, &inner, value);
                    }
                }
                None => {
                    let field_type = world.object_type(field);
                    self.zero(
                        state,
                        &inner,
                        field_type,
                        NilReason::FieldLeftOut,
                        literal,
                        depth + 1,
                    );
                }
            }
        }
    }

    fn statement(&self, state: &mut State, node: NodeId) {
        let tree = self.file.tree;
        match tree.kind(node) {
            NodeKind::AssignStmt => {
                let Statement::Assign {
                    operator,
                    left,
                    right,
                    ..
                } = tree.statement(node)
                else {
                    return;
                };
                if matches!(operator, AssignOperator::Update(_)) {
                    return;
                }
                self.assign_all(state, left, right);
            }
            NodeKind::ValueSpec => {
                let Specification::Value { names, values, .. } = tree.specification(node) else {
                    return;
                };
                if values.is_empty() {
                    for &name in names {
                        if let Some(object) = self.file.facts.object_of(name)
                            && !self.untracked.contains(&object)
                        {
                            let place = Place::variable(object);
                            state.forget(&place);
                            let declared = self.world().object_type(object);
                            self.zero(state, &place, declared, NilReason::Declared, name, 0);
                        }
                    }
                } else {
                    self.assign_all(state, names, values);
                }
            }
            _ => {}
        }
    }

    fn assign_all(&self, state: &mut State, left: &[NodeId], right: &[NodeId]) {
        if left.len() == right.len() {
            // All values are read before the first place is set: `a, b = b, a`.
            let before = (left.len() > 1).then(|| state.clone());
            for (&target, &value) in left.iter().zip(right) {
                // A pointer that gets its only value becomes another name of what it points to.
                if self.pointee_of(target).is_some() {
                    continue;
                }
                match self.place(target) {
                    // An element that is set says nothing of the map, but what is below it changes.
                    Some(place) => self.assign(state, before.as_ref(), &place, value),
                    None => self.forget_unknown_target(state, target),
                }
            }
            return;
        }
        let &[call] = right else { return };
        let companion = left
            .last()
            .and_then(|&last| self.place(last))
            .filter(|place| place.elements.is_empty())
            .map(|place| place.root);
        let dropped = left.last().is_some_and(|&last| {
            self.file.tree.kind(last) == NodeKind::Ident && self.file.tree.symbol(last).is_blank()
        });
        let mut outcomes = Vec::new();
        for (index, &target) in left.iter().enumerate() {
            let Some(place) = self.place(target) else {
                self.forget_unknown_target(state, target);
                continue;
            };
            state.forget(&place);
            if let Expression::Call { function, .. } =
                self.file.tree.expression(unparenthesized(self.file, call))
                && let Callee::Function(object) = callee(self.world(), self.file, function)
                && let Some(fact) = self.returned(object, index, call, true)
            {
                match self.returned(object, index, call, dropped) {
                    Some(fact) => state.set(place, fact),
                    None => outcomes.extend(companion.map(|by| (by, place, fact))),
                }
            } else if index == 0
                && self.is_assertion(call)
                && place.elements.is_empty()
                && self.is_map(self.world().object_type(place.root))
            {
                let fact = Fact {
                    nilness: Nilness::Maybe,
                    reason: NilReason::NotOk,
                    made: call,
                };
                outcomes.extend(companion.map(|by| (by, place, fact)));
            }
        }
        // `v, ok := m[k]`
        if let (Expression::Index { operand, .. }, Some(found)) = (
            self.file.tree.expression(unparenthesized(self.file, call)),
            companion,
        ) && self.is_map_node(operand)
            && let Some(place) = self.place(operand)
            && place.root != found
            && state.get(&place).is_some()
        {
            let fact = Fact {
                nilness: Nilness::NonNil,
                reason: NilReason::Compared,
                made: call,
            };
            outcomes.push((found, place, fact));
        }
        state.told.extend(outcomes);
    }

    /// `v.(T)`, or an element of a map.
    fn is_assertion(&self, node: NodeId) -> bool {
        let node = unparenthesized(self.file, node);
        match self.file.tree.expression(node) {
            Expression::TypeAssertion { .. } => true,
            Expression::Index { operand, .. } => self.is_map_node(operand),
            _ => false,
        }
    }

    /// What the literal of a deferred call assigns, before others that were deferred earlier run.
    fn deferred_assignments(&self, state: &mut State, call: NodeId) {
        let tree = self.file.tree;
        let Expression::Call { function, .. } = tree.expression(call) else {
            return;
        };
        let Expression::FunctionLiteral { body, .. } =
            tree.expression(unparenthesized(self.file, function))
        else {
            return;
        };
        let Statement::Block { statements } = tree.statement(body) else {
            return;
        };
        for node in tree.preorder(body) {
            if tree.kind(node) != NodeKind::AssignStmt {
                continue;
            }
            let Statement::Assign {
                operator: AssignOperator::Assign,
                left,
                right,
                ..
            } = tree.statement(node)
            else {
                continue;
            };
            if statements.contains(&node) {
                self.assign_all(state, left, right);
                continue;
            }
            // Under a condition, or in a loop.
            for place in left.iter().filter_map(|&target| self.place(target)) {
                state.forget(&place);
            }
        }
    }

    /// `a[f()] = …` and the like: whatever is reached through the operand may have changed.
    fn forget_unknown_target(&self, state: &mut State, target: NodeId) {
        let target = unparenthesized(self.file, target);
        if let Expression::Index { operand, .. } = self.file.tree.expression(target)
            && let Some(place) = self.place(operand)
        {
            state.forget_below(&place);
        }
    }
}

impl Analysis for MapNilness<'_> {
    type State = State;

    fn entry(&self) -> State {
        let mut state = State::default();
        for &result in self.unit.results.iter().flatten() {
            if !self.untracked.contains(&result) {
                let place = Place::variable(result);
                let declared = self.world().object_type(result);
                let made = self.unit.function_type;
                self.zero(
                    &mut state,
                    &place,
                    declared,
                    NilReason::NamedResult,
                    made,
                    0,
                );
            }
        }
        self.captured(&mut state);
        state
    }

    fn step(&self, state: &mut State, _block: BlockId, _index: usize, step: Step) {
        // A write that did not panic shows that the map is not nil.
        let mut written = Vec::new();
        self.writes(step, &mut |map, node| written.push((map, node)));
        match step {
            Step::Statement(node) => self.statement(state, node),
            Step::Expression(node) if self.file.tree.kind(node) == NodeKind::CallExpr => {
                self.call_effects(state, node)
            }
            Step::RunDeferred(node) => {
                if let Statement::Defer { call } = self.file.tree.statement(node) {
                    self.call_effects(state, call);
                    self.deferred_assignments(state, call);
                }
            }
            Step::Return(node) => {
                if let Statement::Return { results } = self.file.tree.statement(node)
                    && results.len() == self.unit.results.len()
                {
                    for (&value, &result) in results.iter().zip(&self.unit.results) {
                        if let Some(result) = result
                            && !self.untracked.contains(&result)
                        {
                            self.assign(state, None, &Place::variable(result), value);
                        }
                    }
                }
            }
            Step::RangeAssign(node) => {
                if let Statement::Range { key, value, .. } = self.file.tree.statement(node) {
                    for target in [key, value].into_iter().flatten() {
                        if let Some(place) = self.place(target) {
                            state.forget(&place);
                        }
                    }
                }
            }
            Step::Communicate(node) => {
                if let NodeKind::AssignStmt = self.file.tree.kind(node)
                    && let Statement::Assign { left, .. } = self.file.tree.statement(node)
                {
                    for &target in left {
                        if let Some(place) = self.place(target) {
                            state.forget(&place);
                        }
                    }
                }
            }
            _ => {}
        }
        for (map, node) in written {
            let known = self
                .place(map)
                .and_then(|place| Some((state.get(&place)?, place)));
            match known {
                Some((fact, place)) if fact.nilness != Nilness::NonNil => {
                    state.set(
                        place,
                        Fact {
                            nilness: Nilness::Written,
                            ..fact
                        },
                    );
                }
                _ => self.learn_not_nil(state, map, node),
            }
        }
    }

    fn edge(&self, state: &mut State, _from: BlockId, edge: &Edge) -> bool {
        match edge.kind {
            EdgeKind::True(node) => {
                self.condition(state, node, true);
                self.later_turn(state, node, true);
            }
            EdgeKind::False(node) => {
                self.condition(state, node, false);
                self.later_turn(state, node, false);
            }
            EdgeKind::Range(node) => {
                if let Statement::Range { operand, .. } = self.file.tree.statement(node)
                    && self.is_map_node(operand)
                {
                    self.learn_not_nil(state, operand, node);
                }
            }
            _ => {}
        }
        true
    }

    fn join(&self, into: &mut State, from: &State) -> bool {
        into.join(from)
    }
}
